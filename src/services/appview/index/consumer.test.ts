import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { StorageError } from '#platform/storage'
import { generateKey } from '#protocol/crypto'
import { encodeErrorFrame, encodeFrame } from '#protocol/xrpc'
import { poisonTrigger } from '../engine.test-support.ts'
import { World } from '../world.test-support.ts'

const events = (world: World, kind: string, verdict: string) =>
  world.metrics.value('appview_events', kind, verdict)
const cursorOf = async (world: World) =>
  (await world.sql.get<{ seq: number }>('select seq from cursor'))?.seq

test('after a stop the index goes on from its cursor, and takes in what it missed', async () => {
  const world = await new World().start()
  const ann = await world.member('ann')
  await world.stop()
  const post = ann.post('while it was away')
  await world.start()
  await world.settle()
  const { posts } = await world.get('app.bsky.feed.getPosts', { uris: [post.uri] })
  assert.equal(posts.length, 1)
  assert.equal(events(world, 'commit', 'applied'), 1, 'only what was new came again')
  await world.close()
})

test('garbage is counted and passed over, and the cursor moves past it', async () => {
  const world = await new World().start()
  const ann = await world.member('ann')
  const { relay } = world
  relay.emitRaw(new Uint8Array())
  relay.emitRaw('text')
  relay.emitRaw(randomBytes(300))
  relay.emit((seq) => encodeFrame('#commit', { seq, repo: 'nobody', ops: [] }))
  relay.emit((seq) => encodeFrame('#identity', { seq, did: 5, time: ann.now }))
  relay.emit((seq) => encodeFrame('#account', { seq, did: ann.did, time: ann.now }))
  relay.emit((seq) => encodeFrame('#sync', { seq, did: ann.did }))
  relay.emit((seq) => encodeFrame('#novelty', { seq, anything: true }))
  relay.emitRaw(encodeFrame('#info', { name: 'OutdatedCursor' }))
  await world.settle()
  assert.equal(events(world, 'frame', 'bad-frame'), 2)
  assert.equal(events(world, 'text', 'bad-frame'), 1)
  for (const kind of ['commit', 'identity', 'account', 'sync'])
    assert.equal(events(world, kind, 'malformed'), 1, kind)
  assert.equal(events(world, 'other', 'unknown-type'), 1)
  assert.equal(events(world, 'info', 'OutdatedCursor'), 1)
  assert.equal(await cursorOf(world), relay.seq)
  const post = ann.post('still here')
  await world.settle()
  assert.equal((await world.get('app.bsky.feed.getPosts', { uris: [post.uri] })).posts.length, 1)
  await world.close()
})

test('an upstream that began anew is read from its beginning', async () => {
  const world = await new World().start()
  const ann = await world.member('ann')
  await world.stop()
  await world.sql.run('update cursor set seq = 1000')
  world.relay.emitRaw(encodeErrorFrame('FutureCursor'))
  world.relay.frames.at(-1)!.seq = 2_000
  const post = ann.post('new life')
  await world.start()
  for (let i = 0; i < 20; i++) await world.outside.advance(0)
  assert.equal(await cursorOf(world), 0)
  world.relay.frames.splice(-2, 1)
  await world.outside.advance(1_000)
  await world.settle()
  assert.equal((await world.get('app.bsky.feed.getPosts', { uris: [post.uri] })).posts.length, 1)
  await world.close()
})

test('an event that no rule foresaw is counted, and the ones around it are indexed', async () => {
  const world = await new World().start()
  const ann = await world.member('ann')
  await world.stop()
  for (const sql of poisonTrigger) await world.sql.run(sql)
  const before = ann.post('before')
  const poison = ann.post('poison')
  const after = ann.post('after')
  await world.start()
  await world.settle()
  const uris = [before.uri, poison.uri, after.uri]
  const { posts } = await world.get('app.bsky.feed.getPosts', { uris })
  assert.deepEqual(
    posts.map(({ uri }: { uri: string }) => uri),
    [before.uri, after.uri],
  )
  assert.equal(events(world, 'commit', 'failed'), 1)
  assert.equal(await cursorOf(world), world.relay.seq)
  await world.close()
})

test('when the store fails, nothing of a batch is kept, and the batch is tried again', async () => {
  const world = await new World().start()
  const ann = await world.member('ann')
  const cursor = await cursorOf(world)
  await world.stop()
  const { sql } = world
  const transaction = sql.transaction.bind(sql)
  let failures = 2
  sql.transaction = (work) =>
    transaction(async (inner) => {
      const result = await work(inner)
      if (failures-- > 0) throw new StorageError('NoSpace', 'the disk is full')
      return result
    })
  const ben = world.person('ben')
  const post = ben.post('hello')
  ann.like(post)
  await world.start()
  for (let i = 0; i < 20; i++) await world.outside.advance(0)
  assert.equal(await cursorOf(world), cursor)
  assert.equal(await sql.get('select 1 from post'), undefined)
  for (let i = 0; i < 100; i++) await world.outside.advance(1_000)
  await world.settle()
  const { posts } = await world.get('app.bsky.feed.getPosts', { uris: [post.uri] })
  assert.equal(posts[0].likeCount, 1)
  await world.close()
})

test('with verify on, commits that prove nothing are refused', async () => {
  const world = await new World({ config: { verify: true } }).start()
  const ann = await world.member('ann')
  const good = ann.post('signed by me')
  await world.settle()
  const document = ann.document()
  ann.document = () => document
  ann.key = generateKey('k256', world.outside.random)
  const forged = ann.post('signed by somebody else')
  await world.settle()
  const { posts } = await world.get('app.bsky.feed.getPosts', { uris: [good.uri, forged.uri] })
  assert.equal(posts.length, 1)
  assert.equal(events(world, 'commit', 'bad-signature'), 1)
  await world.close()
})

test('the lag and the open stream can be seen', async () => {
  const world = await new World().start()
  const ann = world.person('ann')
  const time = ann.now
  await world.outside.advance(5_000)
  ann.commit([], { time })
  await world.settle()
  assert.equal(world.metrics.value('appview_lag_seconds'), 5)
  assert.equal(world.metrics.value('appview_upstream_connected', 'http://relay.test'), 1)
  await world.close()
})
