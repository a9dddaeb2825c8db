/** An account moves by the job of the host it moves to: two hosts, one directory, one process. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type SignedReceipt, verifyReceipt } from '#protocol/account'
import { identityOf, plcData, plcDocument } from '#protocol/identity'
import { verifyRepoCar } from '#protocol/repo'
import { FakePlc } from '../testing/fake-plc.test-support.ts'
import { type Person, TestHost } from '../testing/host.test-support.ts'
import { fetchAmong } from '../testing/hosts.test-support.ts'

const plc = new FakePlc()
const hosts = new Map<string, TestHost>()
/** Calls between the hosts, as method and query. */
const asked: string[] = []
/** What happens just before a call arrives, by method. */
const justBefore = new Map<string, () => void>()
const wellFetch = fetchAmong(hosts, ({ pathname, search }) => {
  justBefore.get(pathname.slice('/xrpc/'.length))?.()
  asked.push(`${pathname.slice('/xrpc/'.length)}${search}`)
})

const open = async (publicUrl: string, seed: number, domain: string) => {
  const pdsHosts = ['https://old.test', 'https://new.test']
  const config = { handleDomains: [domain], pdsHosts }
  const host = await TestHost.open({ plc, publicUrl, seed, fetch: wellFetch, config })
  hosts.set(publicUrl, host)
  return host
}

let source: TestHost
let destination: TestHost
before(async () => {
  source = await open('https://old.test', 1, '.test')
  destination = await open('https://new.test', 2, '.two.test')
})
after(async () => {
  for (const host of hosts.values()) await host.close().catch(() => {})
})

async function person(name: string): Promise<Person> {
  const alice = await source.signUp(name)
  for (let i = 0; i < 5; i++) {
    const blob = await source.upload(alice, `${name}’s picture ${i}`)
    const images = [{ image: { $type: 'blob', ...blob }, alt: '' }]
    const embed = { $type: 'app.bsky.embed.images', images }
    const record = { text: `${i}`, createdAt: '2026-01-01T00:00:00.000Z', embed }
    const input = { repo: alice.did, collection: 'app.bsky.feed.post', record }
    const { status, body } = await source.post(
      'com.atproto.repo.createRecord',
      input,
      alice.accessJwt,
    )
    assert.equal(status, 200, JSON.stringify(body))
  }
  return alice
}

async function code(alice: Person): Promise<string> {
  const input = { password: alice.password, purpose: 'plc-operation' }
  return (await source.post('app.falaj.account.confirmPassword', input, alice.accessJwt)).body.code
}

/** A session for the move alone: it ends with it. */
async function start(alice: Person, extra: object = {}) {
  const { did, password } = alice
  const signedIn = await source.post('com.atproto.server.createSession', {
    identifier: did,
    password,
  })
  const { accessJwt, refreshJwt } = signedIn.body
  const session = { accessJwt, refreshJwt }
  const answer = await destination.post('app.falaj.move.start', {
    source: source.url,
    session,
    password,
    ...extra,
  })
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  return answer.body as { move: { id: string; state: string }; accessJwt: string }
}

const seen = async (token: string, host = destination) =>
  (await host.get('app.falaj.move.get', {}, token)).body.move

const until = (token: string, state: string, host = destination) =>
  host.until(async () => {
    // What failed for a moment is tried again when its time has come.
    for (const { outside } of hosts.values()) await outside.advance(20)
    const move = await seen(token, host)
    if (move.state === 'failed' && state !== 'failed') throw new Error(JSON.stringify(move))
    return move.state === state
  })

function keyOf(did: Person['did']) {
  const operation = plc.log(did).at(-1)!.operation
  return identityOf(plcDocument(plcData(did, operation as never)!)!).signingKey
}

test('the plan says what will be, and changes nothing', async () => {
  const alice = await person('planner')
  const { accessJwt, refreshJwt } = alice
  const session = { accessJwt, refreshJwt }
  const { status, body } = await destination.post('app.falaj.move.plan', {
    source: source.url,
    session,
  })
  assert.equal(status, 200, JSON.stringify(body))
  assert.deepEqual([body.records, body.blobs, body.obstacles], [5, 5, []])
  assert.equal(body.handleFate, 'issuedThere')
  assert.deepEqual([body.blobSample, body.feeds, body.cautions], [{ asked: 5, reached: 5 }, [], []])
  assert.ok(body.bytes > 5 * 20, `${body.bytes} bytes`)
  const { status: none } = await destination.get('com.atproto.repo.describeRepo', {
    repo: alice.did,
  })
  assert.equal(none, 400)
})

test('a started move goes on by itself to a signed receipt, and forgets the sessions', async () => {
  const alice = await person('alice')
  const jobs = destination.loop('moves')
  const begun = await start(alice, { code: await code(alice) })
  await until(begun.accessJwt, 'done')
  await jobs.stop()
  const move = await seen(begun.accessJwt)
  const receipt = move.receipt as SignedReceipt
  assert.deepEqual([receipt.sameRoot, receipt.records, receipt.blobs], [true, 5, 5])
  assert.deepEqual(receipt.missingBlobs, [])
  assert.deepEqual(move.blobs, { done: 5, total: 5 })
  const repo = await source.get('com.atproto.sync.getRepo', { did: alice.did })
  assert.ok(move.bytes >= repo.bytes.length, `${move.bytes} bytes`)
  const key = (await destination.signingKey(alice.did))!
  assert.equal(key.didKey, keyOf(alice.did))
  assert.equal(verifyReceipt(receipt, key), true)
  assert.equal(
    (await destination.write(begun as never as Person, 'x', { repo: alice.did })).status,
    200,
  )
  const status = await source.get('com.atproto.sync.getRepoStatus', { did: alice.did })
  assert.equal(status.body.status, 'deactivated')
  const rows = await destination.sql.all<{ sealed: unknown }>('SELECT sealed FROM moves')
  assert.deepEqual(rows, [{ sealed: null }])
  await destination.assertChain(alice)
})

test('without a code it copies first, then waits for the one of the letter', async () => {
  const alice = await person('careful')
  const jobs = destination.loop('moves')
  const begun = await start(alice)
  await until(begun.accessJwt, 'waiting')
  assert.equal((await seen(begun.accessJwt)).needs, 'code')
  const give = (given: string) =>
    destination.post('app.falaj.move.confirm', { id: begun.move.id, code: given }, begun.accessJwt)
  assert.equal((await give('AAAAA-AAAAA')).status, 200)
  await until(begun.accessJwt, 'waiting')
  assert.ok((await seen(begun.accessJwt)).problem)
  await source.write(alice, 'written while the boxes are packed')
  assert.equal((await give(await source.mailedCode(alice))).status, 200)
  await until(begun.accessJwt, 'done')
  assert.equal((await seen(begun.accessJwt)).receipt.records, 6)
  await jobs.stop()
})

test('what is written while it copies comes as differences, and the network sees one chain', async () => {
  const alice = await person('busy')
  const many = (action: string, from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => ({
      $type: `com.atproto.repo.applyWrites#${action}`,
      collection: 'com.example.note',
      rkey: `k${from + i}`,
      ...(action !== 'delete' && { value: { text: `${action} ${from + i}` } }),
    }))
  const apply = async (action: string, from: number, to: number) => {
    const input = { repo: alice.did, writes: many(action, from, to) }
    const { status, body } = await source.post(
      'com.atproto.repo.applyWrites',
      input,
      alice.accessJwt,
    )
    assert.equal(status, 200, JSON.stringify(body))
  }
  for (let at = 0; at < 600; at += 200) await apply('create', at, at + 200)
  const jobs = destination.loop('moves')
  const begun = await start(alice)
  await until(begun.accessJwt, 'waiting')
  await apply('update', 0, 150)
  await apply('delete', 300, 420)
  for (let at = 600; at < 1000; at += 200) await apply('create', at, at + 200)
  const blob = await source.upload(alice, 'a late picture')
  const images = [{ image: { $type: 'blob', ...blob }, alt: '' }]
  const embed = { $type: 'app.bsky.embed.images', images }
  const late = await source.post(
    'com.atproto.repo.createRecord',
    {
      repo: alice.did,
      collection: 'app.bsky.feed.post',
      record: { text: 'late', createdAt: '2026-01-01T00:00:00.000Z', embed },
    },
    alice.accessJwt,
  )
  assert.equal(late.status, 200)
  asked.length = 0
  const input = { id: begun.move.id, code: await source.mailedCode(alice) }
  await destination.post('app.falaj.move.confirm', input, begun.accessJwt)
  await until(begun.accessJwt, 'done')
  await jobs.stop()
  const { receipt } = await seen(begun.accessJwt)
  assert.deepEqual([receipt.sameRoot, receipt.records, receipt.blobs], [true, 886, 6])
  assert.deepEqual(
    asked.filter((call) => call.startsWith('com.atproto.repo.importRepo')),
    [],
    'nothing came whole again',
  )
  const theirs = (await source.events()).filter(({ did }) => did === alice.did)
  const before = theirs.findLast(({ commit }) => commit)!.commit!
  const first = (await destination.events()).find(({ did, commit }) => did === alice.did && commit)!
  assert.equal(first.commit!.since, before.rev)
  assert.ok(first.commit!.rev > before.rev)
  await destination.assertChain(alice)
  // And as much is left by a crash, whose replay applies the journal again.
  const crashed = await destination.again({ folder: destination.copy() })
  const repo = await crashed.get('com.atproto.sync.getRepo', { did: alice.did })
  assert.equal(verifyRepoCar(repo.bytes).records.length, 886)
  assert.equal(crashed.metrics.value('pds_stopped_accounts'), 0)
  const bytes = await crashed.get('com.atproto.sync.getBlob', {
    did: alice.did,
    cid: blob.ref.$link,
  })
  assert.equal(bytes.status, 200)
  await crashed.close({ keep: true })
  // Its host is the same as before in every call: the other one goes on.
  hosts.set(destination.url, destination)
})

/** Texts of a person's posts, in the order of the alphabet. */
const texts = async (host: TestHost, alice: Person) => (await host.listTexts(alice)).sort()

test('nothing that is written while an account changes hands is refused, lost or doubled', async () => {
  const alice = await person('chatty')
  const jobs = destination.loop('moves')
  const answers: { text: string; status: number; body: unknown }[] = []
  let isDone = false
  const writer = async (name: string) => {
    for (let i = 0; !isDone && i < 400; i++) {
      const text = `${name} ${i}`
      answers.push({ text, ...(await source.write(alice, text)) })
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  }
  const writing = Promise.all(['one', 'two', 'three'].map(writer))
  const begun = await start(alice, { code: await code(alice) })
  await until(begun.accessJwt, 'done')
  // Whoever has not heard of the move yet is served for a while.
  await destination.until(() => answers.some(({ text }) => text === 'one 5'))
  isDone = true
  await writing
  await jobs.stop()
  assert.deepEqual(
    answers.filter(({ status }) => status !== 200),
    [],
  )
  const written = answers.map(({ text }) => text)
  const first = ['0', '1', '2', '3', '4']
  assert.deepEqual(await texts(destination, alice), [...first, ...written].sort())
  await destination.assertChain(alice)
})

test('what waits while everything stands still brings its pictures to the new host', async () => {
  const alice = await person('photographer')
  const jobs = destination.loop('moves')
  const late = Promise.withResolvers<Promise<{ status: number; body: { uri?: string } }>>()
  justBefore.set('com.atproto.identity.submitPlcOperation', () => {
    justBefore.clear()
    const write = async () => {
      const blob = await source.upload(alice, 'taken in the doorway')
      const images = [{ image: { $type: 'blob', ...blob }, alt: '' }]
      const embed = { $type: 'app.bsky.embed.images', images }
      const record = { text: 'late', createdAt: '2026-01-01T00:00:00.000Z', embed }
      const input = { repo: alice.handle, collection: 'app.bsky.feed.post', record }
      return source.post('com.atproto.repo.createRecord', input, alice.accessJwt)
    }
    late.resolve(write())
  })
  const begun = await start(alice, { code: await code(alice) })
  await until(begun.accessJwt, 'done')
  const { status, body } = await await late.promise
  assert.equal(status, 200, JSON.stringify(body))
  assert.ok((await texts(destination, alice)).includes('late'))
  assert.ok(!(await texts(source, alice).catch(() => [] as string[])).includes('late'))
  const missing = await destination.get('com.atproto.repo.listMissingBlobs', {}, begun.accessJwt)
  assert.deepEqual(missing.body.blobs, [])
  await jobs.stop()
})

test('a move that stops at its last step lets waiting writes in at the old host', async () => {
  const alice = await person('unmoved')
  const jobs = destination.loop('moves')
  let waiting: ReturnType<TestHost['write']> | undefined
  plc.mood = 'refuses'
  justBefore.set('com.atproto.identity.submitPlcOperation', () => {
    waiting ??= source.write(alice, 'after all')
  })
  const begun = await start(alice, { code: await code(alice) })
  await until(begun.accessJwt, 'failed')
  justBefore.clear()
  plc.mood = 'well'
  assert.equal((await waiting!).status, 200)
  assert.ok((await texts(source, alice)).includes('after all'))
  await jobs.stop()
})

test('whoever watches is told of the next change', async () => {
  const alice = await person('watched')
  const begun = await start(alice)
  const first = await seen(begun.accessJwt)
  const params = { after: first.version }
  const next = destination.get('app.falaj.move.get', params, begun.accessJwt)
  const other = destination.get('app.falaj.move.get', params, begun.accessJwt)
  await destination.post('app.falaj.move.pause', { id: begun.move.id }, begun.accessJwt)
  for (const { body } of await Promise.all([next, other])) {
    assert.equal(body.move.state, 'paused')
    assert.ok(body.move.version > first.version)
  }
  const stranger = await source.signUp('stranger')
  const there = await start(stranger)
  const input = { id: begun.move.id }
  assert.equal(
    (await destination.post('app.falaj.move.resume', input, there.accessJwt)).status,
    404,
  )
})

test('given up before the switch, nothing is left and the network never heard of it', async () => {
  const alice = await person('undecided')
  const before = (await destination.events()).length
  const jobs = destination.loop('moves')
  const begun = await start(alice)
  await until(begun.accessJwt, 'waiting')
  const { body } = await destination.post(
    'app.falaj.move.abandon',
    { id: begun.move.id },
    begun.accessJwt,
  )
  assert.equal(body.move?.state, 'abandoned', JSON.stringify(body))
  await jobs.stop()
  const erasing = destination.loop('jobs')
  await destination.until(() => destination.filesOf(alice.did).length === 0)
  await erasing.stop()
  assert.equal((await destination.events()).length, before)
  assert.equal(plc.log(alice.did).length, 1)
  assert.equal((await source.write(alice, 'still at home')).status, 200)
  // And it can be begun again.
  const again = destination.loop('moves')
  const second = await start(alice, { code: await code(alice) })
  await until(second.accessJwt, 'done')
  await again.stop()
})

test('stopped in the middle, as for a new version, the host goes on with it when it starts again', async () => {
  const alice = await person('updated')
  const begun = await start(alice, { code: await code(alice) })
  const jobs = destination.loop('moves')
  let isStopping: Promise<void> | undefined
  justBefore.set('com.atproto.sync.getBlob', () => {
    isStopping ??= jobs.stop()
  })
  await destination.until(() => isStopping !== undefined)
  justBefore.clear()
  await isStopping
  assert.equal((await seen(begun.accessJwt)).state, 'running')
  const again = destination.loop('moves')
  await until(begun.accessJwt, 'done')
  await again.stop()
})

test('killed in the middle, the host goes on with it when it starts again', async () => {
  const alice = await person('interrupted')
  const begun = await start(alice, { code: await code(alice) })
  const folder = destination.copy()
  const killed = destination
  destination = await killed.again({ folder })
  hosts.set(destination.url, destination)
  const jobs = destination.loop('moves')
  await until(begun.accessJwt, 'done')
  await jobs.stop()
  assert.equal((await seen(begun.accessJwt)).receipt.records, 5)
})

test('a directory that is away keeps nobody from finishing later', async () => {
  const alice = await person('patient')
  const begun = await start(alice)
  const jobs = destination.loop('moves')
  await until(begun.accessJwt, 'waiting')
  plc.mood = 'down'
  const input = { id: begun.move.id, code: await source.mailedCode(alice) }
  await destination.post('app.falaj.move.confirm', input, begun.accessJwt)
  await destination.until(async () => (await seen(begun.accessJwt)).problem !== undefined)
  assert.equal((await seen(begun.accessJwt)).state, 'running')
  plc.mood = 'well'
  await destination.until(async () => {
    await destination.outside.advance(1_000)
    return (await seen(begun.accessJwt)).state !== 'running'
  })
  await jobs.stop()
  assert.equal((await seen(begun.accessJwt)).state, 'done')
})

test('a way back that is given up leaves the copy of the earlier stay', async () => {
  const alice = await person('wavering')
  const jobs = destination.loop('moves')
  const begun = await start(alice, { code: await code(alice) })
  await until(begun.accessJwt, 'done')
  await jobs.stop()
  // Nobody works on it at the old host yet.
  const { body } = await destination.post(
    'app.falaj.move.wayBack',
    { id: begun.move.id, password: alice.password },
    begun.accessJwt,
  )
  const input = { id: body.move.id }
  const given = await source.post('app.falaj.move.abandon', input, body.accessJwt)
  assert.equal(given.body.move.state, 'abandoned')
  const status = await source.get('com.atproto.sync.getRepoStatus', { did: alice.did })
  assert.equal(status.body.status, 'deactivated')
  const there = { ...alice, accessJwt: begun.accessJwt }
  assert.equal((await destination.write(there, 'staying')).status, 200)
})

test('the way back is one call, and brings what was written meanwhile', async () => {
  const alice = await person('homesick')
  const jobs = destination.loop('moves')
  const begun = await start(alice, { code: await code(alice) })
  await until(begun.accessJwt, 'done')
  const there = { ...alice, accessJwt: begun.accessJwt }
  const away = await destination.write(there, 'from away')
  assert.equal(away.status, 200, JSON.stringify(away.body))
  const back = source.loop('moves')
  const { status, body } = await destination.post(
    'app.falaj.move.wayBack',
    { id: begun.move.id, password: alice.password },
    begun.accessJwt,
  )
  assert.equal(status, 200, JSON.stringify(body))
  await until(body.accessJwt, 'done', source)
  await Promise.all([jobs.stop(), back.stop()])
  assert.equal((await seen(body.accessJwt, source)).receipt.records, 6)
  assert.equal((await source.write({ ...alice, ...body }, 'home again')).status, 200)
})
