import assert from 'node:assert/strict'
import { after, beforeEach, describe, test } from 'node:test'
import { equalBytes } from '#protocol/data'
import { parseSyncEvent, verifySyncEvent } from '#protocol/repo'
import { formatTid } from '#protocol/syntax'
import { encodeFrame } from '#protocol/xrpc'
import {
  type FakeHost,
  type Follower,
  type Person,
  type TestRelay,
  World,
} from './relay.test-support.ts'

let world: World
let host: FakeHost
let alice: Person
let relay: TestRelay
let follower: Follower

const worlds: World[] = []
after(async () => {
  for (const one of worlds) await one.close()
})

/** A host with one account that has posted once, read by a relay that somebody follows. */
beforeEach(async () => {
  await world?.close()
  world = new World()
  worlds.push(world)
  host = world.host('3001')
  alice = world.person(host)
  relay = await world.relay({ config: { pdsHosts: [host.url] } })
  follower = relay.follow(0)
  alice.post()
  await heard(1)
})

const heard = (count: number, who = follower) =>
  world.until(() => who.heard.length >= count, `${count} events, of ${who.heard.length}`)
const refused = (type: string, verdict: string, count = 1) =>
  world.until(() => relay.count(type, verdict) >= count, `${type} ${verdict}`)

/** The next post comes through, so all before it was decided. */
async function goesOn(person = alice): Promise<void> {
  const { plan } = person.post()
  const isThere = () => follower.heard.some(({ body }) => body.rev === plan.head.rev)
  await world.until(isThere, `the post of ${plan.head.rev}`)
}

describe('commits', () => {
  test('are passed on under numbers of the relay, otherwise as they came', async () => {
    const sent = alice.post().frame
    await heard(2)
    assert.deepEqual(
      follower.heard.map(({ type, seq, did }) => [type, seq, did]),
      [
        ['#commit', 1, alice.did],
        ['#commit', 2, alice.did],
      ],
    )
    assert.ok(equalBytes(follower.frames[1]!, sent), 'host and relay happen to count alike here')
  })

  test('of several hosts come in one order, each account in its own', async () => {
    const other = world.host('3002')
    const bob = world.person(other)
    await relay.post('com.atproto.sync.requestCrawl', { hostname: 'localhost:3002' })
    const revs = new Map<string, string[]>([
      [alice.did, [alice.head!.rev]],
      [bob.did, []],
    ])
    for (let i = 0; i < 150; i++) {
      for (const one of [alice, bob]) revs.get(one.did)!.push(one.post().plan.head.rev)
    }
    await heard(301)
    assert.deepEqual(
      follower.heard.map(({ seq }) => seq),
      Array.from({ length: 301 }, (_, i) => i + 1),
    )
    for (const [did, expected] of revs) {
      const got = follower.heard.filter((event) => event.did === did).map(({ body }) => body.rev)
      assert.deepEqual(got, expected)
    }
  })

  test('with a forged signature are refused, and do not change what is known', async () => {
    const stranger = world.person(host)
    host.say(alice.prepare({ key: stranger.key }).frame)
    await refused('#commit', 'bad-signature')
    await goesOn()
  })

  test('of accounts that live elsewhere are refused', async () => {
    const other = world.host('3002')
    await relay.post('com.atproto.sync.requestCrawl', { hostname: 'localhost:3002' })
    other.say(alice.prepare({ seq: 1 }).frame)
    await refused('#commit', 'wrong-host')
    await goesOn()
    assert.equal(follower.heard.length, 2)
  })

  test('of nobody known are refused', async () => {
    const bob = world.person(host)
    world.documents.delete(bob.did)
    bob.post()
    await refused('#commit', 'unknown-identity')
    await goesOn()
  })

  test('from the future are refused', async () => {
    const rev = formatTid((world.outside.now() + 6 * 60_000) * 1000, 1)
    host.say(alice.prepare({ rev }).frame)
    await refused('#commit', 'future-rev')
    await goesOn()
  })

  test('that were seen before are refused, also the newest', async () => {
    const { frame } = alice.post()
    await heard(2)
    host.say(frame, frame)
    await refused('#commit', 'rev-not-newer', 2)
    await goesOn()
    assert.equal(follower.heard.length, 3)
  })

  test('that leave a block out are refused, and the repository is mended', async () => {
    const posted = alice.prepare()
    alice.take(posted)
    const { head } = posted.plan
    const broken = alice.without(posted, head.data)
    host.say(broken)
    await refused('#commit', 'missing-block')
    await heard(2)
    assert.equal(follower.types[1], '#sync')
    await goesOn()
  })
})

describe('frames that are no events', () => {
  test('are counted and passed over: garbage, text, unknown types, giants, other shapes', async () => {
    const { did } = alice
    host.say(
      new Uint8Array(0),
      Uint8Array.of(0xff, 1, 2, 3),
      '{"text": true}',
      new Uint8Array(5_000_001),
      encodeFrame('#identity', { did: 'nobody', seq: 1, time: host.now }),
      encodeFrame('#identity', { did, time: host.now }),
      encodeFrame('#identity', { did, seq: -1, time: host.now }),
      encodeFrame('#identity', { did: `did:web:${'a'.repeat(250)}.com`, seq: 1, time: host.now }),
    )
    host.say(encodeFrame('#handle', { did, seq: 1, time: host.now, handle: 'alice.test' }))
    host.say(encodeFrame('#info', { name: 'OutdatedCursor' }))
    await refused('other', 'malformed', 8)
    await refused('other', 'unknown-type')
    await goesOn()
  })

  test('or events that are not in shape: refused by their type', async () => {
    const { did } = alice
    const seq = host.nextSeq
    const time = host.now
    host.say(
      encodeFrame('#identity', { did, seq, time: 'yesterday' }),
      encodeFrame('#identity', { did, seq, time, handle: 'not a handle' }),
      encodeFrame('#account', { did, seq, time, active: 'yes' }),
      encodeFrame('#account', { did, seq, time, active: false, status: 7 }),
      encodeFrame('#account', { did, seq, time, active: true, more: 'x'.repeat(20_000) }),
      encodeFrame('#commit', { repo: did, seq, time }),
      encodeFrame('#sync', { did, seq, time, rev: 'x', blocks: null }),
    )
    await refused('#identity', 'malformed', 2)
    await refused('#account', 'malformed', 2)
    await refused('#account', 'too-big')
    await refused('#commit', 'malformed')
    await refused('#sync', 'malformed')
    await goesOn()
  })
})

test('whatever bytes a host sends, the relay goes on', async () => {
  const byte = () => world.outside.random(1)[0]!
  const at = (length: number) => ((byte() << 8) | byte()) % length
  for (let i = 0; i < 400; i++) {
    const frame = alice.prepare().frame.slice()
    for (let flips = 1 + (byte() % 3); flips > 0; flips--) frame[at(frame.length)] = byte()
    host.say(i % 4 === 0 ? frame.subarray(0, at(frame.length)) : frame)
  }
  host.identity(alice.did)
  await world.until(() => follower.types.includes('#identity'))
  await goesOn()
})

describe('a broken chain', () => {
  test('is mended by the head of the repository, said as a #sync', async () => {
    alice.postSilently()
    const { plan } = alice.post()
    await heard(2)
    assert.deepEqual(follower.types, ['#commit', '#sync'])
    assert.equal(relay.count('#commit', 'prev-mismatch'), 1)
    const parsed = parseSyncEvent(follower.heard[1]!.body)
    assert.ok(parsed.ok)
    assert.equal(parsed.event.seq, 2 + 1, 'the mark of the break has a number too')
    const verdict = verifySyncEvent(parsed.event, {
      key: alice.key.publicKey,
      nowMs: world.outside.now(),
    })
    assert.deepEqual(verdict, { ok: true, head: plan.head })
    await goesOn()
    assert.deepEqual(follower.types, ['#commit', '#sync', '#commit'])
  })

  test('loses nothing that comes while the head is fetched', async () => {
    const gate = Promise.withResolvers<void>()
    host.gate = gate.promise
    alice.postSilently()
    const atFetch = alice.post()
    await world.until(() => host.fetched.length === 1)
    // The host answers with the head as it is now; what comes later follows it.
    const repo = host.repos.get(alice.did)!()
    host.repos.set(alice.did, () => repo)
    const later = [alice.post(), alice.post(), alice.post()]
    await refused('#commit', 'desynchronized', 3)
    gate.resolve()
    await heard(5)
    assert.deepEqual(
      follower.heard.slice(1).map(({ type, body }) => [type, body.rev]),
      [['#sync', atFetch.plan.head.rev], ...later.map(({ plan }) => ['#commit', plan.head.rev])],
    )
    await goesOn()
  })

  test('is mended again when more came than may wait', async () => {
    const gate = Promise.withResolvers<void>()
    host.gate = gate.promise
    alice.postSilently()
    alice.post()
    await world.until(() => host.fetched.length === 1)
    const repo = host.repos.get(alice.did)!()
    host.repos.set(alice.did, () => repo)
    for (let i = 0; i < 250; i++) alice.post()
    await refused('#commit', 'no-room-to-wait')
    await refused('#commit', 'desynchronized', 250)
    alice.move(host)
    gate.resolve()
    await world.until(() => follower.heard.at(-1)!.body.rev === alice.head!.rev)
    assert.deepEqual(new Set(follower.types.slice(1)), new Set(['#sync']))
    await goesOn()
  })

  test('waits for a host that does not answer, and holds nobody else up', async () => {
    const bob = world.person(host)
    bob.post()
    await heard(2)
    const repo = host.repos.get(alice.did)!
    host.repos.delete(alice.did)
    alice.postSilently()
    alice.post()
    await world.until(() => host.fetched.length >= 2)
    await goesOn(bob)
    host.repos.set(alice.did, repo)
    await world.until(() => follower.types.includes('#sync'))
    await goesOn()
  })

  test('is mended though another host keeps everybody waiting', async () => {
    const other = world.host('3002')
    const gate = Promise.withResolvers<void>()
    other.gate = gate.promise
    await relay.post('com.atproto.sync.requestCrawl', { hostname: 'localhost:3002' })
    const stuck = Array.from({ length: 30 }, () => world.person(other))
    for (const person of stuck) {
      person.post()
      person.postSilently()
      person.post()
    }
    await refused('#commit', 'prev-mismatch', 30)
    await world.until(() => other.fetched.length === 2)
    alice.postSilently()
    alice.post()
    await world.until(() =>
      follower.heard.some(({ did, type }) => did === alice.did && type === '#sync'),
    )
    assert.equal(other.fetched.length, 2, 'two at once of one host')
    gate.resolve()
    await world.until(() => follower.types.filter((type) => type === '#sync').length === 31)
  })

  test('is not mended by a head that somebody else signed, or that is older', async () => {
    const old = host.repos.get(alice.did)!()
    const posted = alice.post()
    await heard(2)
    alice.take(alice.prepare({ key: world.person(host).key }))
    const forged = host.repos.get(alice.did)!()
    alice.take(posted)
    host.repos.set(alice.did, () => (host.fetched.length === 1 ? forged : old))
    const lost = alice.postSilently()
    alice.post()
    await world.until(() => host.fetched.length >= 3)
    assert.equal(follower.heard.length, 2)
    alice.move(host)
    await world.until(() => follower.types.includes('#sync'))
    assert.notEqual(follower.heard.at(-1)!.body.rev, lost.plan.head.rev)
  })

  test('is mended by a #sync of the host as well', async () => {
    host.repos.delete(alice.did)
    alice.postSilently()
    alice.post()
    await refused('#commit', 'prev-mismatch')
    host.say(alice.syncFrame())
    await heard(2)
    assert.deepEqual(follower.types, ['#commit', '#sync'])
    await goesOn()
  })

  test('of an account that is not shown is mended when it is shown again', async () => {
    const repo = host.repos.get(alice.did)!
    host.repos.delete(alice.did)
    alice.postSilently()
    alice.post()
    await refused('#commit', 'prev-mismatch')
    host.account(alice.did, false, 'deactivated')
    await heard(2)
    await world.outside.advance(60_000)
    const asked = host.fetched.length
    host.repos.set(alice.did, repo)
    await world.outside.advance(60_000)
    assert.equal(host.fetched.length, asked)
    host.account(alice.did, true)
    await world.until(() => follower.types.includes('#sync'))
    await goesOn()
  })

  test('is mended at another host when the account moved meanwhile', async () => {
    host.repos.delete(alice.did)
    alice.postSilently()
    alice.post()
    await refused('#commit', 'prev-mismatch')
    host.account(alice.did, false, 'deactivated')
    await heard(2)
    const other = world.host('3002')
    await relay.post('com.atproto.sync.requestCrawl', { hostname: 'localhost:3002' })
    alice.move(other)
    alice.post()
    await world.until(() => follower.types.includes('#sync'))
    assert.deepEqual(other.fetched, [alice.did])
    await goesOn()
  })

  test('is not forgotten by a kill', async () => {
    host.repos.delete(alice.did)
    alice.postSilently()
    alice.post()
    await refused('#commit', 'prev-mismatch')
    await world.until(() => host.fetched.length > 0)
    const folder = relay.image()
    await relay.stop()
    alice.move(host)
    relay = await world.relay({ folder, config: { pdsHosts: [host.url] } })
    follower = relay.follow(0)
    await heard(2)
    assert.deepEqual(follower.types, ['#commit', '#sync'])
    assert.equal(follower.heard[1]!.body.rev, alice.head!.rev)
  })
})

describe('standing', () => {
  const statusOf = (did: string) => relay.get('com.atproto.sync.getRepoStatus', `did=${did}`)

  for (const status of [
    'deactivated',
    'suspended',
    'takendown',
    'deleted',
    'throttled',
    'newly-made',
  ]) {
    test(`${status}: commits stop until the account is active again`, async () => {
      host.account(alice.did, false, status)
      await heard(2)
      assert.deepEqual(await statusOf(alice.did), { did: alice.did, active: false, status })
      alice.post()
      await refused('#commit', 'inactive')
      host.account(alice.did, true)
      await heard(3)
      assert.equal((await statusOf(alice.did)).active, true)
      alice.post()
      // What was written meanwhile is caught up with.
      await world.until(() => follower.types.includes('#sync'))
      await goesOn()
    })
  }

  test('an account without a reason is deactivated', async () => {
    host.account(alice.did, false)
    await heard(2)
    assert.equal((await statusOf(alice.did)).status, 'deactivated')
    assert.equal(follower.heard[1]!.body.status, undefined)
  })

  test('is told by the host of the account alone', async () => {
    const other = world.host('3002')
    await relay.post('com.atproto.sync.requestCrawl', { hostname: 'localhost:3002' })
    other.account(alice.did, false, 'takendown')
    await refused('#account', 'wrong-host')
    assert.equal((await statusOf(alice.did)).active, true)
  })

  test('of an account whose identity is gone is still told by its last host', async () => {
    world.documents.delete(alice.did)
    host.identity(alice.did)
    host.account(alice.did, false, 'deleted')
    await heard(3)
    assert.deepEqual(follower.types, ['#commit', '#identity', '#account'])
  })
})
