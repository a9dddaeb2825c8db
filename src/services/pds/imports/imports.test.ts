/** Whole repositories taken in: verified, invisible until they count, and whole after any crash. */
import assert from 'node:assert/strict'
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type Fault, faultyFiles, nodeFiles } from '#platform/storage'
import { generateKey } from '#protocol/crypto'
import { type CidBytes, carBlock, carHeader, cidText, concatBytes, readCar } from '#protocol/data'
import { encodeCommit, verifyRepoCar } from '#protocol/repo'
import { formatTid } from '#protocol/syntax'
import { FakePlc } from '../testing/fake-plc.test-support.ts'
import { type HostOptions, type Person, TestHost } from '../testing/host.test-support.ts'

const NOTE = 'com.example.note'
const plc = new FakePlc()
let seed = 1
let source: TestHost
let alice: Person
let car: Uint8Array

before(async () => {
  source = await TestHost.open({ plc, publicUrl: 'https://old.test' })
  alice = await source.signUp('alice')
  for (let round = 0; round < 3; round++) {
    const writes = Array.from({ length: 200 }, (_, i) => ({
      $type: 'com.atproto.repo.applyWrites#create',
      collection: NOTE,
      rkey: `k${round}-${i}`,
      // Some records are the same: one block then stands at many paths.
      value: { text: i % 10 === 0 ? 'the same' : `${round} ${i}` },
    }))
    await source.post('com.atproto.repo.applyWrites', { repo: alice.did, writes }, alice.accessJwt)
  }
  car = (await source.get('com.atproto.sync.getRepo', { did: alice.did })).bytes
})
after(() => source.close())

const destinations: TestHost[] = []
after(async () => {
  for (const host of destinations) await host.close().catch(() => {})
})

/** A host that alice has moved into, with nothing imported yet. */
async function movedIn(options: HostOptions = {}): Promise<{ host: TestHost; person: Person }> {
  const host = await TestHost.open({ plc, publicUrl: 'https://new.test', seed: ++seed, ...options })
  destinations.push(host)
  const auth = await source.get(
    'com.atproto.server.getServiceAuth',
    { aud: host.service.did, lxm: 'com.atproto.server.createAccount' },
    alice.accessJwt,
  )
  const { body, status } = await host.post(
    'com.atproto.server.createAccount',
    { did: alice.did, handle: alice.handle, email: alice.email, password: alice.password },
    auth.body.token,
  )
  assert.equal(status, 200, JSON.stringify(body))
  return { host, person: { ...alice, ...body } }
}

async function* chunked(bytes: Uint8Array, size = 10_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const importRepo = (host: TestHost, person: Person, bytes: Uint8Array) =>
  host.call('POST', 'com.atproto.repo.importRepo', {
    input: chunked(bytes),
    token: person.accessJwt,
    headers: { 'content-type': 'application/vnd.ipld.car' },
  })

const check = async (host: TestHost, person: Person) =>
  (await host.get('com.atproto.server.checkAccountStatus', {}, person.accessJwt)).body

const blocksOf = (bytes: Uint8Array) => {
  const { roots, blocks } = readCar(bytes)
  return { root: roots[0]!, blocks: Array.from(blocks, ({ cid, bytes }) => [cid, bytes] as const) }
}

const carOf = (root: CidBytes, blocks: Iterable<readonly [CidBytes, Uint8Array]>) =>
  concatBytes([carHeader([root]), ...Array.from(blocks, ([cid, bytes]) => carBlock(cid, bytes))])

/** The repository as its owner may export it from the new host. */
const exported = async (host: TestHost, person: Person) => {
  const { bytes } = await host.get(
    'com.atproto.sync.getRepo',
    { did: person.did },
    person.accessJwt,
  )
  return verifyRepoCar(bytes)
}

test('a repository comes over whole, under a commit of this host above every rev', async () => {
  const { host, person } = await movedIn()
  const answer = await importRepo(host, person, car)
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  const there = verifyRepoCar(car)
  const here = await exported(host, person)
  assert.equal(cidText(here.head.data), cidText(there.head.data))
  assert.ok(here.head.rev > there.head.rev)
  assert.equal(here.records.length, 600)
  assert.equal((await check(host, person)).indexedRecords, 600)
  assert.deepEqual(await host.events(), [], 'the network hears nothing of it')
})

test('the order of the blocks makes no difference', async () => {
  const { root, blocks } = blocksOf(car)
  const orders = {
    backwards: [...blocks].reverse(),
    'records first': [...blocks].sort((a, b) => b[0][1]! - a[0][1]!),
    'some twice': [...blocks, ...blocks.slice(0, 50)],
    mixed: [...blocks].sort((a, b) => Buffer.compare(a[0], b[0])),
  }
  for (const [name, list] of Object.entries(orders)) {
    const { host, person } = await movedIn()
    const { status, body } = await importRepo(host, person, carOf(root, list))
    assert.equal(status, 200, `${name}: ${JSON.stringify(body)}`)
    assert.equal((await exported(host, person)).records.length, 600, name)
    await host.close()
  }
})

test('what is not the account’s repository is refused, and nothing is changed', async () => {
  const { host, person } = await movedIn()
  const bob = await source.signUp('bob')
  const { root, blocks } = blocksOf(car)
  const { head } = verifyRepoCar(car)
  const signed = (rev: string, did = alice.did, key = generateKey('k256')) => {
    const commit = encodeCommit({ did, rev, data: head.data }, key)
    return carOf(source.cidOf(commit), [[source.cidOf(commit), commit], ...blocks.slice(1)])
  }
  const damaged = Uint8Array.from(car)
  damaged[car.length - 10]! ^= 1
  const bomb = (bytes: Uint8Array) => carOf(source.cidOf(bytes), [[source.cidOf(bytes), bytes]])
  const cases: [name: string, bytes: Uint8Array, error: RegExp][] = [
    [
      'of somebody else',
      (await source.get('com.atproto.sync.getRepo', { did: bob.did })).bytes,
      /WrongRepo/,
    ],
    ['signed by a stranger', signed(head.rev), /InvalidSignature/],
    ['cut short', car.subarray(0, car.length - 5_000), /InvalidCar|MissingBlock/],
    ['without a record', carOf(root, blocks.slice(0, -1)), /MissingBlock/],
    [
      'without a node',
      carOf(
        root,
        blocks.filter((_, i) => i !== 2),
      ),
      /MissingBlock/,
    ],
    ['with a changed record', damaged, /InvalidBlock|InvalidCar/],
    ['nothing at all', new Uint8Array(0), /Invalid/],
    ['no CAR', new TextEncoder().encode('hello'), /Invalid/],
    ['with several roots', concatBytes([carHeader([root, root]), car.subarray(100)]), /Invalid/],
    ['without a root', carHeader([]), /Invalid/],
    ['with a header of 2^63 bytes', Uint8Array.from([...Array(9).fill(0xff), 0x7f]), /Invalid/],
    ['with a length without an end', new Uint8Array(100).fill(0xff), /Invalid/],
    ['lists in lists in lists', bomb(new Uint8Array(500_000).fill(0x81)), /Invalid/],
    ['a list of 2^32', bomb(Uint8Array.of(0x9a, 255, 255, 255, 255)), /Invalid/],
    ['a text of 2^63', bomb(Uint8Array.of(0x7b, ...Array(8).fill(127))), /Invalid/],
  ]
  const before = await check(host, person)
  for (const [name, bytes, error] of cases) {
    const { status, body } = await importRepo(host, person, bytes)
    assert.equal(status, 400, `${name}: ${JSON.stringify(body)}`)
    assert.match(body.error, error, name)
    assert.deepEqual(await check(host, person), before, name)
  }
  assert.equal((await importRepo(host, person, car)).status, 200)
})

test('a rev from the far future is not taken over', async () => {
  const { host, person } = await movedIn()
  const { head } = verifyRepoCar(car)
  const rev = formatTid(Date.UTC(2200, 0, 1) * 1000, 0)
  // Made by the account's own key, which the old host gave away.
  const key = await source.leakedKey(alice.did)
  const commit = encodeCommit({ did: alice.did, rev, data: head.data }, key)
  const cid = source.cidOf(commit)
  const { body } = await importRepo(
    host,
    person,
    carOf(cid, [[cid, commit], ...blocksOf(car).blocks.slice(1)]),
  )
  assert.equal(body.error, 'InvalidRepo')
})

test('a host may take in none, or none so large', async () => {
  const closed = await movedIn({ config: { acceptImports: false } })
  const refused = await importRepo(closed.host, closed.person, car)
  assert.deepEqual([refused.status, refused.body.error], [400, 'InvalidRequest'])
  const small = await movedIn({ config: { importBytesMax: car.length - 1 } })
  const tooLarge = await importRepo(small.host, small.person, car)
  assert.equal(tooLarge.status, 413, JSON.stringify(tooLarge.body))
  assert.equal((await check(small.host, small.person)).indexedRecords, 0)
})

test('only a deactivated account takes an import', async () => {
  const answer = await importRepo(source, alice, car)
  assert.deepEqual([answer.status, answer.body.error], [400, 'InvalidRequest'])
})

test('what the account has here stays: preferences, and blobs that came before', async () => {
  const { host, person } = await movedIn()
  const preferences = [{ $type: 'app.bsky.actor.defs#adultContentPref', enabled: true }]
  await host.post('app.bsky.actor.putPreferences', { preferences }, person.accessJwt)
  await host.upload(person, 'a picture')
  assert.equal((await importRepo(host, person, car)).status, 200)
  const kept = await host.get('app.bsky.actor.getPreferences', {}, person.accessJwt)
  assert.deepEqual(kept.body.preferences, preferences)
  assert.equal((await check(host, person)).importedBlobs, 1)
})

test('while one import of an account is under way, another is refused', async () => {
  const { host, person } = await movedIn()
  const go = Promise.withResolvers<void>()
  async function* slowly() {
    yield car.subarray(0, 20_000)
    await go.promise
    yield car.subarray(20_000)
  }
  const first = host.call('POST', 'com.atproto.repo.importRepo', {
    input: slowly(),
    token: person.accessJwt,
    headers: { 'content-type': 'application/vnd.ipld.car' },
  })
  await new Promise((resolve) => setTimeout(resolve, 50))
  const second = await importRepo(host, person, car)
  assert.deepEqual([second.status, second.body.error], [409, 'ImportUnderWay'])
  assert.equal((await check(host, person)).indexedRecords, 0, 'staged is invisible')
  const preferences = [{ $type: 'app.bsky.actor.defs#adultContentPref', enabled: true }]
  await host.post('app.bsky.actor.putPreferences', { preferences }, person.accessJwt)
  go.resolve()
  assert.equal((await first).status, 200)
  const kept = await host.get('app.bsky.actor.getPreferences', {}, person.accessJwt)
  assert.deepEqual(kept.body.preferences, preferences, 'put while it was staged')
})

test('preferences and blobs that come in at the moment of the switch are not lost', async () => {
  const { host, person } = await movedIn()
  const importing = importRepo(host, person, car)
  const written: number[] = []
  let isDone = false
  const writing = (async () => {
    for (let i = 0; !isDone; i++) {
      const preferences = [{ $type: 'app.bsky.actor.defs#interestsPref', tags: [`${i}`] }]
      const put = await host.post(
        'app.bsky.actor.putPreferences',
        { preferences },
        person.accessJwt,
      )
      if (put.status === 200) written.push(i)
      await host.upload(person, `blob ${i}`)
    }
  })()
  assert.equal((await importing).status, 200)
  isDone = true
  await writing
  const kept = await host.get('app.bsky.actor.getPreferences', {}, person.accessJwt)
  assert.deepEqual(kept.body.preferences[0].tags, [`${written.at(-1)}`])
  assert.equal((await check(host, person)).importedBlobs, written.length)
  const again = await host.restart()
  destinations.push(again)
  assert.equal((await check(again, person)).importedBlobs, written.length)
  assert.equal((await check(again, person)).indexedRecords, 600)
})

test('activating in the middle of an import loses to whichever comes first', async () => {
  const { host, person } = await movedIn()
  const importing = importRepo(host, person, car)
  // The identity still points to the old host: activation is refused whatever the import does.
  const active = await host.post('com.atproto.server.activateAccount', undefined, person.accessJwt)
  assert.equal(active.status, 400)
  assert.equal((await importing).status, 200)
})

test('killed at any instant of an import, the account is as before or as after', async () => {
  const { host, person } = await movedIn()
  const copies: string[] = []
  const importing = importRepo(host, person, car)
  let isDone = false
  const copying = (async () => {
    while (!isDone) {
      copies.push(host.copy())
      await new Promise((resolve) => setImmediate(resolve))
    }
  })()
  assert.equal((await importing).status, 200)
  isDone = true
  await copying
  copies.push(host.copy())
  const seen = new Set<number>()
  const some = copies.filter((_, i) => i % Math.ceil(copies.length / 25) === 0)
  for (const folder of [...some, copies.at(-1)!]) {
    const again = await host.again({ folder })
    assert.equal(again.metrics.value('pds_stopped_accounts'), 0)
    const { indexedRecords } = await check(again, person)
    assert.ok(indexedRecords === 0 || indexedRecords === 600, `${indexedRecords} records`)
    seen.add(indexedRecords)
    assert.equal((await exported(again, person)).records.length, indexedRecords)
    if (indexedRecords === 0) assert.equal((await importRepo(again, person, car)).status, 200)
    assert.equal((await exported(again, person)).records.length, 600)
    await again.close({ keep: true })
  }
  assert.deepEqual([...seen].sort(), [0, 600])
})

test('a power cut after the switch brings the imported file up, not the staged one', async () => {
  const { host, person } = await movedIn()
  await host.checkpoint()
  let staged = ''
  let isHeld = false
  const disk = Promise.withResolvers<void>()
  await host.close({ keep: true })
  const files = { ...nodeFiles }
  files.open = async (path, flags) => {
    const file = await nodeFiles.open(path, flags)
    return {
      ...file,
      async datasync() {
        await file.datasync()
        // The switch is on the disk and nobody was told: everything before it is synced.
        if (!isHeld || staged) return
        staged = host.copy()
        await disk.promise
      },
    }
  }
  const held = await host.again({ files })
  isHeld = true
  const importing = importRepo(held, person, car)
  await held.until(() => staged !== '')
  disk.resolve()
  assert.equal((await importing).status, 200)
  const afterwards = held.copy()
  await held.close({ keep: true })
  // The journal and the directory as they were at the end, the files as they were synced before.
  rmSync(join(afterwards, 'accounts'), { recursive: true })
  cpSync(join(staged, 'accounts'), join(afterwards, 'accounts'), { recursive: true })
  const again = await host.again({ folder: afterwards })
  assert.equal((await check(again, person)).indexedRecords, 600)
  assert.equal((await exported(again, person)).records.length, 600)
  await again.close({ keep: true })
})

/** A host on these files, and a copy of its folder at the next fsync of its journal. */
function copyingAtFsync() {
  const files = { ...nodeFiles }
  let take: (() => void) | undefined
  files.open = async (path, flags) => {
    const file = await nodeFiles.open(path, flags)
    return {
      ...file,
      async datasync() {
        await file.datasync()
        take?.()
        take = undefined
      },
    }
  }
  return { files, atNext: (run: () => void) => void (take = run) }
}

test('what came before the switch is not replayed into the staged file', async () => {
  const { files, atNext } = copyingAtFsync()
  const { host } = await movedIn({ files })
  const bob = await host.signUp('bobby')
  const before = await host.get('com.atproto.sync.getRepo', { did: bob.did })
  // Changes of the directory part what a replay would apply as one.
  await host.post('com.atproto.identity.updateHandle', { handle: 'bobby2.test' }, bob.accessJwt)
  await host.write(bob, 'since then')
  await host.post('com.atproto.server.deactivateAccount', {}, bob.accessJwt)
  let staged = ''
  atNext(() => {
    staged = host.copy()
  })
  const imported = await importRepo(host, bob, before.bytes)
  assert.equal(imported.status, 200, JSON.stringify(imported.body))
  // The directory knows of the switch; of the files there is what was synced before it.
  const afterwards = host.copy()
  rmSync(join(afterwards, 'accounts'), { recursive: true })
  cpSync(join(staged, 'accounts'), join(afterwards, 'accounts'), { recursive: true })
  const again = await host.again({ folder: afterwards })
  assert.equal(again.metrics.value('pds_stopped_accounts'), 0)
  const { activated, indexedRecords } = await check(again, bob)
  assert.deepEqual([activated, indexedRecords], [false, 0])
  await again.close({ keep: true })
})

test('an imported file that is gone stops its account: the journal does not have what was in it', async () => {
  const { host, person } = await movedIn()
  const bob = await host.signUp('bobby')
  assert.equal((await importRepo(host, person, car)).status, 200)
  await host.close({ keep: true })
  rmSync(host.accountFile(person.did, 2))
  const again = await host.again()
  assert.equal((await check(again, person)).error, 'AccountStopped')
  assert.equal(again.metrics.value('pds_stopped_accounts'), 1)
  assert.equal((await again.write(bob, 'still here')).status, 200)
  await again.close()
})

test('an older copy of one’s own repository is announced by a #sync, as nothing leads to it', async () => {
  const { host } = await movedIn()
  const bob = await host.signUp('bobby')
  await host.write(bob, 'one')
  const older = await host.get('com.atproto.sync.getRepo', { did: bob.did })
  await host.write(bob, 'two')
  await host.post('com.atproto.server.deactivateAccount', {}, bob.accessJwt)
  assert.equal((await importRepo(host, bob, older.bytes)).status, 200)
  const again = await host.restart()
  destinations.push(again)
  const cursor = (await again.events()).at(-1)!.seq
  await again.post('com.atproto.server.activateAccount', undefined, bob.accessJwt)
  const events = await again.events(cursor)
  assert.deepEqual(
    events.map(({ type }) => type),
    ['#identity', '#account', '#sync'],
  )
  const told = events[2]!.body.rev
  assert.ok(told > verifyRepoCar(older.bytes).head.rev)
  assert.equal((await again.write(bob, 'three')).status, 200)
  const next = (await again.events(cursor)).at(-1)!.commit!
  assert.equal(next.since, told)
  assert.deepEqual((await again.listTexts(bob)).sort(), ['one', 'three'])
})

test('blobs that an import speaks of are listed as missing until they are brought', async () => {
  const { host } = await movedIn()
  const bob = await host.signUp('blobby')
  const pictures = await Promise.all(['one', 'two', 'three'].map((text) => host.upload(bob, text)))
  for (const [i, file] of pictures.entries()) {
    const record = { file, more: [file] }
    await host.write(bob, '', { collection: NOTE, rkey: `k${i}`, record })
  }
  const whole = await host.get('com.atproto.sync.getRepo', { did: bob.did })
  const elsewhere = await TestHost.open({ plc, publicUrl: 'https://third.test', seed: ++seed })
  destinations.push(elsewhere)
  const auth = await host.get(
    'com.atproto.server.getServiceAuth',
    { aud: elsewhere.service.did, lxm: 'com.atproto.server.createAccount' },
    bob.accessJwt,
  )
  const { body: moved } = await elsewhere.post(
    'com.atproto.server.createAccount',
    { did: bob.did, handle: 'blobby.test', password: 'password' },
    auth.body.token,
  )
  const there = { ...bob, ...moved }
  assert.equal((await importRepo(elsewhere, there, whole.bytes)).status, 200)
  const missing = async () => {
    const found: { cid: string; recordUri: string }[] = []
    let cursor: string | undefined
    do {
      const page = await elsewhere.get(
        'com.atproto.repo.listMissingBlobs',
        { limit: 2, cursor },
        there.accessJwt,
      )
      found.push(...page.body.blobs)
      cursor = page.body.cursor
    } while (cursor)
    return found
  }
  const all = await missing()
  assert.deepEqual(
    new Map(all.map(({ cid, recordUri }) => [cid, recordUri])),
    new Map(pictures.map(({ ref }, i) => [ref.$link, `at://${bob.did}/${NOTE}/k${i}`])),
  )
  const status = await check(elsewhere, there)
  assert.deepEqual([status.expectedBlobs, status.importedBlobs], [3, 0])
  await elsewhere.upload(there, 'two')
  assert.deepEqual(
    new Set((await missing()).map(({ cid }) => cid)),
    new Set([pictures[0]!.ref.$link, pictures[2]!.ref.$link]),
  )
  for (const text of ['one', 'three']) await elsewhere.upload(there, text)
  assert.deepEqual(await missing(), [])
})

test('a full disk fails the import with a clear error and leaves the account as it was', async () => {
  let isFull = false
  const files = faultyFiles(nodeFiles, (operation): Fault | undefined =>
    isFull && operation === 'write' ? 'ENOSPC' : undefined,
  )
  const { host, person } = await movedIn({ files })
  isFull = true
  const failed = await importRepo(host, person, car)
  assert.deepEqual([failed.status, failed.body.error], [503, 'NotEnoughResources'])
  assert.equal((await check(host, person)).indexedRecords, 0)
  assert.deepEqual(
    host.filesOf(person.did).filter((name) => name.startsWith('2.')),
    [],
  )
  isFull = false
  await host.until(async () => (await importRepo(host, person, car)).status === 200)
  assert.equal((await check(host, person)).indexedRecords, 600)
})

test('moved whole: activated, announced after what the network knows, and unbroken', async () => {
  const { host, person } = await movedIn()
  const oldEvents = (await source.events()).filter(({ did }) => did === alice.did)
  await source.post('com.atproto.server.deactivateAccount', {}, alice.accessJwt)
  assert.equal((await importRepo(host, person, car)).status, 200)
  const wanted = await host.get(
    'com.atproto.identity.getRecommendedDidCredentials',
    {},
    person.accessJwt,
  )
  await source.post('com.atproto.identity.requestPlcOperationSignature', undefined, alice.accessJwt)
  const signed = await source.post(
    'com.atproto.identity.signPlcOperation',
    { token: await source.mailedCode(alice), ...wanted.body },
    alice.accessJwt,
  )
  const submitted = await host.post(
    'com.atproto.identity.submitPlcOperation',
    signed.body,
    person.accessJwt,
  )
  assert.equal(submitted.status, 200, JSON.stringify(submitted.body))
  const activated = await host.post(
    'com.atproto.server.activateAccount',
    undefined,
    person.accessJwt,
  )
  assert.equal(activated.status, 200, JSON.stringify(activated.body))
  const events = await host.events()
  assert.deepEqual(
    events.map(({ type }) => type),
    ['#identity', '#account', '#commit'],
  )
  const last = oldEvents.findLast(({ commit }) => commit)!.commit!
  const first = events[2]!.commit!
  assert.equal(first.since, last.rev)
  assert.equal(cidText(first.prevData!), cidText(verifyRepoCar(car).head.data))
  assert.ok(first.rev > last.rev)
  assert.equal((await host.write(person, 'from the new host')).status, 200)
  await host.assertChain(person)
})
