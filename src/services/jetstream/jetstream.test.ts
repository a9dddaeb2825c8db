import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { cidForCbor } from '#protocol/crypto'
import { encodeCbor } from '#protocol/data'
import type { Did } from '#protocol/syntax'
import { encodeFrame } from '#protocol/xrpc'
import {
  type FakeRelay,
  type Follower,
  type TestJetstream,
  World,
} from './jetstream.test-support.ts'

const alice: Did = `did:plc:${'a'.repeat(24)}`
const bob: Did = `did:plc:${'b'.repeat(24)}`
const post = 'app.bsky.feed.post'
const like = 'app.bsky.feed.like'
const follow = 'app.bsky.graph.follow'

let world: World
let relay: FakeRelay
let jetstream: TestJetstream

beforeEach(async () => {
  world = new World()
  relay = world.relay
  jetstream = await world.jetstream()
})
afterEach(() => world.close())

const heard = (follower: Follower, count: number) =>
  world.until(() => follower.heard.length >= count, `${count} events, of ${follower.heard.length}`)

/** Everything that is kept, once there is so much. */
async function all(count: number): Promise<Follower> {
  const follower = jetstream.follow('cursor=0')
  await heard(follower, count)
  return follower
}

describe('events', () => {
  test('of a commit come one for each operation', async () => {
    const value = encodeCbor({ $type: post, text: 'سلام', n: 7 })
    const cid = cidForCbor(value)
    const write = { path: `${post}/3abc`, cid, bytes: value }
    const tree = relay.commitWrites(alice, [{ action: 'create', ...write }])
    const other = encodeCbor({ $type: post, text: 'salam' })
    const next = relay.commitWrites(
      alice,
      [{ ...write, action: 'update', cid: cidForCbor(other), bytes: other }],
      tree,
    )
    relay.commitWrites(alice, [{ action: 'delete', path: write.path }], next)
    const { heard: events } = await all(3)
    const [first, second, third] = events
    assert.deepEqual(Object.keys(first!), ['did', 'time_us', 'kind', 'commit'])
    assert.deepEqual(first!.commit!.record, { $type: post, text: 'سلام', n: 7 })
    assert.deepEqual(
      events.map(({ did, kind, commit }) => [did, kind, commit!.operation, commit!.rkey]),
      ['create', 'update', 'delete'].map((operation) => [alice, 'commit', operation, '3abc']),
    )
    assert.notEqual(first!.commit!.cid, second!.commit!.cid)
    assert.deepEqual(Object.keys(third!.commit!), ['rev', 'operation', 'collection', 'rkey'])
  })

  test('of identities and accounts show what they say', async () => {
    relay.identity(alice, { handle: 'alice.test' })
    relay.account(alice, false, 'deactivated')
    const { heard: events } = await all(2)
    const { time } = events[0]!.identity!
    assert.deepEqual(events[0]!.identity, { did: alice, seq: 1, time, handle: 'alice.test' })
    assert.deepEqual(events[1]!.account, {
      did: alice,
      seq: 2,
      time,
      active: false,
      status: 'deactivated',
    })
  })

  test('have times that rise, also within a moment and when the clock goes back', async () => {
    for (let i = 0; i < 50; i++) relay.commit(alice, [post, like])
    await all(100)
    world.outside.setNow(world.outside.now() - 3_600_000)
    for (let i = 0; i < 50; i++) relay.commit(alice, [post])
    const { heard: events } = await all(150)
    for (let i = 1; i < events.length; i++) {
      assert.ok(events[i]!.time_us > events[i - 1]!.time_us, `event ${i}`)
    }
  })

  test('that cannot be shown are counted and passed over', async () => {
    const did = alice
    const seq = 1
    const float = Uint8Array.from([0xa1, 0x61, 0x78, 0xfb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0])
    const sound = encodeCbor({ $type: post })
    relay.say('text', Uint8Array.of(1, 2), encodeFrame('#info', { name: 'OutdatedCursor' }))
    relay.say(encodeFrame('#handle', { did, seq }), encodeFrame('#account', { did: 'x', seq }))
    relay.say(encodeFrame('#commit', { repo: did, seq }))
    relay.say(encodeFrame('#sync', { did, seq, rev: 'x' }))
    relay.commitWrites(alice, [
      { action: 'create', path: `${post}/3a`, cid: cidForCbor(float), bytes: float },
      { action: 'create', path: `${post}/3b`, cid: cidForCbor(sound), bytes: sound },
    ])
    const { paths } = await all(1)
    assert.deepEqual(paths, [`${post}/3b`])
    assert.equal(jetstream.count('other', 'malformed'), 2)
    assert.equal(jetstream.count('other', 'unknown-type'), 1)
    assert.equal(jetstream.count('#account', 'malformed'), 1)
    assert.equal(jetstream.count('#commit', 'malformed'), 1)
    assert.equal(jetstream.count('#commit', 'bad-record'), 1)
    assert.equal(jetstream.count('#info', 'OutdatedCursor'), 1)
  })
})

describe('filters', () => {
  /** One post and one like of alice and of bob, one follow of bob, and an identity of each. */
  async function say(): Promise<void> {
    for (const did of [alice, bob]) relay.commit(did, [post, like])
    relay.commit(bob, [follow])
    for (const did of [alice, bob]) relay.identity(did)
    await all(7)
  }

  async function shown(query: string): Promise<string[]> {
    await say()
    const follower = jetstream.follow(`cursor=0&${query}`)
    // What everybody gets, and nothing else comes after it.
    relay.account(alice, true)
    relay.account(bob, true)
    await world.until(() => follower.heard.at(-1)?.kind === 'account')
    return follower.heard
      .filter(({ kind }) => kind !== 'account')
      .map(({ did, kind, commit }) => {
        const who = did === alice ? 'alice' : 'bob'
        return `${who} ${commit?.collection.split('.').at(-1) ?? kind}`
      })
  }

  const cases: [name: string, query: string, shown: string][] = [
    [
      'none: everything',
      '',
      'alice post, alice like, bob post, bob like, bob follow, alice identity, bob identity',
    ],
    [
      'a collection: and what is no commit',
      `wantedCollections=${follow}`,
      'bob follow, alice identity, bob identity',
    ],
    [
      'collections, one of them twice',
      `wantedCollections=${like}&wantedCollections=${follow}&wantedCollections=${follow}`,
      'alice like, bob like, bob follow, alice identity, bob identity',
    ],
    [
      'a prefix',
      'wantedCollections=app.bsky.feed.*',
      'alice post, alice like, bob post, bob like, alice identity, bob identity',
    ],
    [
      'a prefix of a word is none',
      'wantedCollections=app.bsky.fe.*',
      'alice identity, bob identity',
    ],
    [
      'an account: of all kinds',
      `wantedDids=${bob}`,
      'bob post, bob like, bob follow, bob identity',
    ],
    [
      'accounts and a collection',
      `wantedDids=${bob}&wantedDids=${alice}&wantedCollections=${post}`,
      'alice post, bob post, alice identity, bob identity',
    ],
    [
      'empty ones are none',
      'wantedCollections=&wantedDids=',
      'alice post, alice like, bob post, bob like, bob follow, alice identity, bob identity',
    ],
    ['a size below everything', 'maxMessageSizeBytes=10', ''],
    [
      'a size that is none',
      'maxMessageSizeBytes=-5',
      'alice post, alice like, bob post, bob like, bob follow, alice identity, bob identity',
    ],
  ]
  for (const [name, query, expected] of cases) {
    test(name, async () => {
      if (query.startsWith('maxMessageSizeBytes=10')) {
        await say()
        const follower = jetstream.follow(`cursor=0&${query}`)
        await world.outside.advance(500)
        assert.deepEqual(follower.heard, [])
      } else assert.equal((await shown(query)).join(', '), expected)
    })
  }

  test('a size is counted in bytes of the message', async () => {
    relay.commit(alice, [post], { text: 'ب'.repeat(200) })
    const bytes = Buffer.byteLength((await all(1)).texts[0]!)
    const fits = jetstream.follow(`cursor=0&maxMessageSizeBytes=${bytes}`)
    const tooLarge = jetstream.follow(`cursor=0&maxMessageSizeBytes=${bytes - 1}`)
    await heard(fits, 1)
    assert.deepEqual(tooLarge.heard, [])
  })

  test('bad ones are refused before the stream opens', async () => {
    for (const query of [
      'wantedCollections=post',
      'wantedCollections=.*',
      'wantedCollections=app.bsky.*.post',
      'wantedCollections=app.bsky.feed*',
      'wantedDids=alice.test',
      `${`wantedCollections=${post}&`.repeat(101)}`,
      Array.from({ length: 10_001 }, (_, i) => `wantedDids=did:plc:${i}`).join('&'),
      'cursor=yesterday',
      'cursor=-1',
      'cursor=1e3',
      'compress=true',
    ]) {
      const { refused } = jetstream.follow(query)
      assert.equal(refused?.status, 400, query.slice(0, 60))
      assert.equal(JSON.parse(String(refused?.body)).error, 'InvalidRequest')
    }
    assert.equal(jetstream.follow('', { 'socket-encoding': 'zstd' }).refused?.status, 400)
    assert.equal(jetstream.follow('compress=false').refused, undefined)
  })
})

describe('a cursor', () => {
  test('replays exactly from its time on', async () => {
    for (let i = 0; i < 40; i++) {
      relay.commit(alice, [post, like])
      await world.outside.advance(7)
    }
    const { heard: events } = await all(80)
    for (const at of [0, 1, 13, 40, 79]) {
      const follower = jetstream.follow(`cursor=${events[at]!.time_us}`)
      await heard(follower, 80 - at)
      assert.deepEqual(follower.heard, events.slice(at))
      const between = jetstream.follow(`cursor=${events[at]!.time_us + 1}`)
      await heard(between, 80 - at - 1)
      assert.deepEqual(between.heard, events.slice(at + 1))
    }
  })

  test('goes on with what comes', async () => {
    relay.commit(alice, [post])
    const first = await all(1)
    const follower = jetstream.follow(`cursor=${first.heard[0]!.time_us}`)
    await heard(follower, 1)
    relay.commit(alice, [post])
    await heard(follower, 2)
  })

  test('that is ahead of the clock, or none, means from now on', async () => {
    relay.commit(alice, [post])
    await all(1)
    const ahead = jetstream.follow(`cursor=${(world.outside.now() + 3_600_000) * 1000}`)
    const none = jetstream.follow()
    await world.outside.advance(50)
    const [path] = relay.commit(alice, [like])
    for (const follower of [ahead, none]) {
      await heard(follower, 1)
      assert.deepEqual(follower.paths, [path])
    }
  })

  test('finds its place though the clock went back', async () => {
    for (let i = 0; i < 10; i++) relay.commit(alice, [post])
    await all(10)
    world.outside.setNow(world.outside.now() - 3_600_000)
    for (let i = 0; i < 10; i++) relay.commit(alice, [post])
    const { heard: events } = await all(20)
    for (const at of [3, 9, 10, 15, 19]) {
      const follower = jetstream.follow(`cursor=${events[at]!.time_us}`)
      await heard(follower, 20 - at)
      assert.deepEqual(follower.heard, events.slice(at))
    }
  })

  test('finds its place in a long archive, read from disk', async () => {
    await jetstream.stop()
    const folder = world.folder()
    jetstream = await world.jetstream({ folder, segmentBytes: 64 * 1024 })
    relay.batchMax = 500
    for (let i = 0; i < 1_500; i++) relay.commit(i % 2 ? alice : bob, [post])
    await all(1_500)
    await jetstream.stop()
    jetstream = await world.jetstream({ folder })
    const { heard: events } = await all(1_500)
    for (const at of [0, 1, 700, 1_001, 1_499]) {
      const follower = jetstream.follow(`cursor=${events[at]!.time_us}&wantedDids=${alice}`)
      const expected = events.slice(at).filter(({ did }) => did === alice)
      await heard(follower, expected.length)
      assert.deepEqual(follower.heard, expected)
    }
  })
})

describe('messages of the reader', () => {
  test('requireHello holds everything back until the first options', async () => {
    relay.commit(alice, [post])
    await all(1)
    const follower = jetstream.follow('requireHello=true&cursor=0')
    await world.outside.advance(500)
    assert.deepEqual(follower.heard, [])
    follower.send({ type: 'something else' })
    await world.outside.advance(500)
    assert.deepEqual(follower.heard, [])
    follower.update({ wantedCollections: [post] })
    await heard(follower, 1)
  })

  test('an update replaces all options of before', async () => {
    const follower = jetstream.follow(`wantedCollections=${post}&wantedDids=${alice}`)
    await world.outside.advance(50)
    relay.commit(alice, [post, like])
    await heard(follower, 1)
    follower.update({ wantedCollections: ['app.bsky.graph.*'] })
    await world.outside.advance(50)
    relay.commit(bob, [post, follow])
    await heard(follower, 2)
    follower.update({ wantedDids: [bob] })
    await world.outside.advance(50)
    relay.commit(alice, [post])
    relay.commit(bob, [like])
    await heard(follower, 3)
    follower.update({})
    await world.outside.advance(50)
    relay.commit(alice, [post])
    await heard(follower, 4)
    assert.deepEqual(
      follower.heard.map(({ did, commit }) => [did, commit!.collection]),
      [
        [alice, post],
        [bob, follow],
        [bob, like],
        [alice, post],
      ],
    )
  })

  test('a message without sense ends the stream', async () => {
    for (const message of [
      'not json',
      '[]',
      { type: 'options_update', payload: { wantedCollections: ['post'] } },
      { type: 'options_update', payload: { wantedDids: ['alice'] } },
      { type: 'options_update', payload: { wantedDids: 'alice' } },
      { type: 'options_update', payload: { wantedCollections: [1] } },
    ]) {
      const follower = jetstream.follow('requireHello=true')
      follower.send(message)
      await world.until(() => follower.ended, JSON.stringify(message))
    }
  })

  test('a reader who goes before saying hello is forgotten', async () => {
    const follower = jetstream.follow('requireHello=true')
    await world.outside.advance(50)
    follower.stop()
    await world.until(() => follower.ended)
  })
})

describe('other requests', () => {
  const ask = (path: string) =>
    jetstream.service.handle({
      method: 'GET',
      path,
      query: '',
      headers: {},
      body: undefined,
      ip: '',
      id: '',
      signal: new AbortController().signal,
    })

  test('tell its health and what it is', async () => {
    const health = await ask('/xrpc/_health')
    assert.deepEqual([health.status, health.body], [200, '{"version":"test"}'])
    assert.equal((await ask('/')).status, 200)
    assert.equal((await ask('/subscribe')).status, 426)
    assert.equal((await ask('/nothing')).status, 404)
  })
})
