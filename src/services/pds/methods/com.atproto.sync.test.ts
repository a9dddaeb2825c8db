/** What the network reads: repositories, proofs, listings, the firehose. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { cidText, readCar } from '#protocol/data'
import { BlockMap, decodeCommit, Tree, verifyRepoCar } from '#protocol/repo'
import { decodeFrame } from '#protocol/xrpc'
import { type HostEvent, type Person, TestHost } from '../testing/host.test-support.ts'

const NOTE = 'com.example.note'
let host: TestHost
let alice: Person

before(async () => {
  host = await TestHost.open()
  alice = await host.signUp('alice')
  const writes = Array.from({ length: 150 }, (_, i) => ({
    $type: 'com.atproto.repo.applyWrites#create',
    collection: NOTE,
    rkey: `k${String(i).padStart(3, '0')}`,
    value: { i },
  }))
  await host.post('com.atproto.repo.applyWrites', { repo: alice.did, writes }, alice.accessJwt)
})
after(() => host.close())

const sync = (method: string, params: Record<string, unknown> = {}, token?: string) =>
  host.get(`com.atproto.sync.${method}`, params, token)

test('getRepo streams a whole repository in the order a reader needs', async () => {
  const { bytes, headers } = await sync('getRepo', { did: alice.did })
  assert.equal(headers['content-type'], 'application/vnd.ipld.car')
  const key = (await host.signingKey(alice.did))!
  const repo = verifyRepoCar(bytes, { did: alice.did, keys: [key] })
  assert.equal(repo.records.length, 150)
  const { roots, blocks } = readCar(bytes)
  const list = [...blocks]
  assert.equal(cidText(list[0]!.cid), cidText(roots[0]!))
  // A walk: commit, then each node before what is below it, each record in its place.
  const tree = Tree.open(decodeCommit(list[0]!.bytes).data, repo.blocks)
  const expected = [roots[0]!, ...Array.from(tree.walk(), ({ cid }) => cid)].map(cidText)
  assert.deepEqual(
    list.map(({ cid }) => cidText(cid)),
    expected,
  )
})

test('getRepo since a rev holds everything newer, and is smaller', async () => {
  const latest = await sync('getLatestCommit', { did: alice.did })
  const whole = await sync('getRepo', { did: alice.did })
  await host.write(alice, 'newer')
  const { bytes } = await sync('getRepo', { did: alice.did, since: latest.body.rev })
  assert.ok(bytes.length < whole.bytes.length / 4, `${bytes.length} of ${whole.bytes.length}`)
  const blocks = new BlockMap()
  for (const part of [whole.bytes, bytes]) {
    for (const { cid, bytes: block } of readCar(part).blocks) blocks.add(cid, block)
  }
  const { roots } = readCar(bytes)
  const tree = Tree.open(decodeCommit(blocks.get(roots[0]!)!).data, blocks)
  const entries = [...tree.entries()]
  assert.equal(entries.length, 151)
  for (const [path, cid] of entries) assert.ok(blocks.has(cid), path)
})

test('getRepo is right after a crash has left the stored nodes behind', async () => {
  const own = await TestHost.open()
  const bob = await own.signUp('bob')
  for (let i = 0; i < 20; i++) await own.write(bob, `post ${i}`)
  await own.checkpoint()
  const since = (await own.get('com.atproto.sync.getLatestCommit', { did: bob.did })).body.rev
  for (let i = 20; i < 40; i++) await own.write(bob, `post ${i}`)
  const again = await own.again({ folder: own.copy() })
  for (const params of [{ did: bob.did }, { did: bob.did, since }]) {
    const { bytes } = await again.get('com.atproto.sync.getRepo', params)
    if (!('since' in params)) assert.equal(verifyRepoCar(bytes).records.length, 40)
    else assert.ok([...readCar(bytes).blocks].length > 20)
  }
  const proof = await again.get('com.atproto.sync.getRecord', {
    did: bob.did,
    collection: NOTE,
    rkey: 'none',
  })
  assert.equal(proof.status, 200)
  await again.close({ keep: true })
  await own.close()
})

test('a repository that is left half read frees its connection', async () => {
  const own = await TestHost.open()
  const bob = await own.signUp('bob')
  for (let i = 0; i < 70; i++) {
    const response = await own.service.handle({
      method: 'GET',
      path: '/xrpc/com.atproto.sync.getRepo',
      query: `did=${bob.did}`,
      headers: {},
      body: undefined,
      ip: '',
      id: '',
      signal: new AbortController().signal,
    })
    assert.equal(response.status, 200)
    const body = (response.body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]()
    if (i % 2) await body.next()
    await body.return?.()
  }
  assert.equal((await own.get('com.atproto.sync.getRepo', { did: bob.did })).status, 200)
  await own.close()
})

test('getRecord proves what is there, and that nothing is', async () => {
  for (const [rkey, isThere] of [
    ['k050', true],
    ['none', false],
  ] as const) {
    const { bytes } = await sync('getRecord', { did: alice.did, collection: NOTE, rkey })
    const { roots, blocks } = readCar(bytes)
    const map = new BlockMap()
    for (const { cid, bytes: block } of blocks) map.add(cid, block)
    const commit = decodeCommit(map.get(roots[0]!)!)
    const found = Tree.open(commit.data, map).get(`${NOTE}/${rkey}`)
    assert.equal(found !== undefined, isThere)
    if (found) assert.ok(map.has(found), 'the record itself')
    assert.ok(map.size < 12, 'and not the whole tree')
  }
})

test('getBlocks finds commit, nodes and records, and names what it misses', async () => {
  const { bytes } = await sync('getRepo', { did: alice.did })
  const all = [...readCar(bytes).blocks]
  const some = [all[0]!, all[1]!, all[2]!, all.at(-1)!]
  const cids = some.map(({ cid }) => cidText(cid))
  const found = [...readCar((await sync('getBlocks', { did: alice.did, cids })).bytes).blocks]
  assert.deepEqual(found.map(({ cid }) => cidText(cid)).sort(), [...cids].sort())
  const missing = 'bafyreie5cvv4h45feadgeuwhbcutmh6t2ceseocckahdoe6uat64zmz454'
  const refused = await sync('getBlocks', { did: alice.did, cids: [...cids, missing] })
  assert.equal(refused.body.error, 'BlockNotFound')
  assert.match(refused.body.message, new RegExp(missing))
  const many = Array.from({ length: 501 }, () => missing)
  assert.equal((await sync('getBlocks', { did: alice.did, cids: many })).status, 400)
})

test('getLatestCommit and getRepoStatus tell the newest applied commit', async () => {
  const made = await host.write(alice, 'the newest')
  const latest = await sync('getLatestCommit', { did: alice.did })
  assert.deepEqual(latest.body, made.body.commit)
  const status = await sync('getRepoStatus', { did: alice.did })
  assert.deepEqual(status.body, { did: alice.did, active: true, rev: made.body.commit.rev })
  const nobody = { did: 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa' }
  for (const method of ['getLatestCommit', 'getRepoStatus', 'getRepo', 'getRecord', 'listBlobs']) {
    const { body } = await sync(method, { ...nobody, collection: NOTE, rkey: 'a' })
    assert.equal(body.error, 'RepoNotFound', method)
  }
})

test('getHead and getCheckout answer those who never heard of their successors', async () => {
  const latest = await sync('getLatestCommit', { did: alice.did })
  assert.deepEqual((await sync('getHead', { did: alice.did })).body, { root: latest.body.cid })
  const whole = await sync('getRepo', { did: alice.did })
  assert.deepEqual((await sync('getCheckout', { did: alice.did })).bytes, whole.bytes)
})

test('a repository that is not active is for its owner and the operator', async () => {
  const own = await TestHost.open()
  const bob = await own.signUp('bob')
  const { body } = await own.write(bob, 'one')
  const rkey = body.uri.split('/').at(-1)
  const record = { did: bob.did, collection: 'app.bsky.feed.post', rkey }
  const reads: [string, Record<string, unknown>][] = [
    ['getRepo', { did: bob.did }],
    ['getCheckout', { did: bob.did }],
    ['getHead', { did: bob.did }],
    ['getLatestCommit', { did: bob.did }],
    ['getRecord', record],
    ['getBlocks', { did: bob.did, cids: [body.cid] }],
    ['listBlobs', { did: bob.did }],
  ]
  const operator = { authorization: `Basic ${btoa('admin:admin-pass')}` }
  const ask = async (headers: Record<string, string>) => {
    const errors = await Promise.all(
      reads.map(async ([method, params]) => {
        const nsid = `com.atproto.sync.${method}`
        const answer = await own.call('GET', nsid, { params, headers })
        return answer.status === 200 ? 'read' : answer.body.error
      }),
    )
    assert.equal(new Set(errors).size, 1, errors.join())
    return errors[0]
  }
  const owner = { authorization: `Bearer ${bob.accessJwt}` }
  assert.equal(await ask({}), 'read')
  await own.post('com.atproto.server.deactivateAccount', {}, bob.accessJwt)
  assert.equal(await ask({}), 'RepoDeactivated')
  assert.equal(await ask(owner), 'read')
  assert.equal(await ask(operator), 'read')
  await own.call('POST', 'com.atproto.admin.updateSubjectStatus', {
    headers: operator,
    input: {
      subject: { $type: 'com.atproto.admin.defs#repoRef', did: bob.did },
      takedown: { applied: true },
    },
  })
  assert.equal(await ask({}), 'RepoTakendown')
  assert.equal(await ask(operator), 'read')
  assert.equal(
    await ask({ authorization: `Basic ${btoa('admin:guess')}` }),
    'AuthenticationRequired',
  )
  await own.close()
})

test('listRepos pages through everybody, heads as new as the files', async () => {
  const own = await TestHost.open()
  const people = await Promise.all(['ann', 'ben', 'cem', 'dot', 'eli'].map((n) => own.signUp(n)))
  await own.post('com.atproto.server.deactivateAccount', {}, people[0]!.accessJwt)
  await own.checkpoint()
  await own.write(people[1]!, 'after the checkpoint')
  const found: Record<string, unknown>[] = []
  let cursor: string | undefined
  do {
    const { body } = await own.get('com.atproto.sync.listRepos', { limit: 2, cursor })
    found.push(...body.repos)
    cursor = body.cursor
  } while (cursor)
  assert.deepEqual(
    found.map(({ did }) => did),
    people.map(({ did }) => did).sort(),
  )
  for (const { did, handle } of people) {
    const repo = found.find((one) => one.did === did)!
    const isActive = handle !== 'ann.test'
    assert.deepEqual(
      [repo.active, repo.status],
      isActive ? [true, undefined] : [false, 'deactivated'],
    )
    if (!isActive) continue
    const { body } = await own.get('com.atproto.sync.getLatestCommit', { did })
    assert.deepEqual([repo.head, repo.rev], [body.cid, body.rev])
  }
  const astray = await own.get('com.atproto.sync.listRepos', { cursor: 'x' })
  assert.deepEqual([astray.status, astray.body.error], [400, 'InvalidRequest'])
  await own.close()
})

test('the firehose replays from a cursor and goes on live, each event once', async () => {
  const own = await TestHost.open()
  const bob = await own.signUp('bob')
  await own.write(bob, 'one')
  const stop = new AbortController()
  const seen: HostEvent[] = []
  const reading = (async () => {
    for await (const event of own.follow(0, stop.signal)) seen.push(event)
  })()
  await own.until(() => seen.length >= 4)
  await own.write(bob, 'two')
  const preferences = [{ $type: 'app.bsky.actor.defs#adultContentPref', enabled: true }]
  await own.post('app.bsky.actor.putPreferences', { preferences }, bob.accessJwt)
  await own.write(bob, 'three')
  await own.until(() => seen.length >= 6)
  stop.abort()
  await reading
  assert.deepEqual(
    seen.map(({ type }) => type),
    ['#identity', '#account', '#commit', '#commit', '#commit', '#commit'],
    'what is private is not among them',
  )
  const seqs = seen.map(({ seq }) => seq)
  assert.deepEqual(
    seqs,
    [...new Set(seqs)].sort((a, b) => a - b),
  )
  assert.deepEqual(
    (await own.events(seqs[2])).map(({ seq }) => seq),
    seqs.slice(3),
  )
  await own.close()
})

test('without a cursor the firehose tells what comes, a cursor from the future is an error', async () => {
  const stop = new AbortController()
  const seen: HostEvent[] = []
  const reading = (async () => {
    for await (const event of host.follow(undefined, stop.signal)) seen.push(event)
  })()
  await new Promise((resolve) => setImmediate(resolve))
  const { body } = await host.write(alice, 'live')
  await host.until(() => seen.length > 0)
  stop.abort()
  await reading
  assert.equal(cidText(seen[0]!.commit!.commit), body.commit.cid)
  const future = (await host.events()).at(-1)!.seq + 1_000_000_000
  await assert.rejects(async () => {
    for await (const _ of host.follow(future, new AbortController().signal)) break
  }, /FutureCursor/)
})

test('two readers are handed the very same frames', async () => {
  const stops = [new AbortController(), new AbortController()]
  const batches: unknown[][] = [[], []]
  const reads = stops.map(async ({ signal }, i) => {
    const answer = host.service.subscribe!({
      method: 'GET',
      path: '/xrpc/com.atproto.sync.subscribeRepos',
      query: '',
      headers: {},
      body: undefined,
      ip: '',
      id: '',
      signal,
    })
    if ('status' in answer) throw new Error('refused')
    for await (const batch of answer) batches[i]!.push(batch)
  })
  await new Promise((resolve) => setImmediate(resolve))
  await host.write(alice, 'shared')
  await host.until(() => batches.every(({ length }) => length > 0))
  for (const stop of stops) stop.abort()
  await Promise.all(reads)
  assert.equal(batches[0]![0], batches[1]![0])
  const frame = (batches[0]![0] as Uint8Array[])[0]!
  assert.equal((decodeFrame(frame) as { type: string }).type, '#commit')
})

test('other pages of the host', async () => {
  assert.equal((await host.page('/')).status, 200)
  assert.match((await host.page('/robots.txt')).body, /Allow/)
  assert.equal((await host.page('/nothing')).status, 404)
  const health = await host.get('_health')
  assert.deepEqual(health.body, { version: 'test' })
  assert.equal((await host.page('/.well-known/did.json')).status, 404)
  const web = await TestHost.open({ config: { didWeb: true } })
  const { body } = await web.page('/.well-known/did.json')
  assert.equal(body.id, 'did:web:pds.test')
  assert.equal(body.service[0].serviceEndpoint, 'https://pds.test')
  await web.close()
})
