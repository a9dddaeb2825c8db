import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { encodeFrame } from '#protocol/xrpc'
import {
  type FakeHost,
  type Follower,
  type Person,
  type TestRelay,
  World,
} from './relay.test-support.ts'

let world: World
let oldHost: FakeHost
let newHost: FakeHost
let alice: Person
let relay: TestRelay
let follower: Follower

/** Two hosts that are read; alice lives at one and has posted. */
beforeEach(async () => {
  world = new World()
  oldHost = world.host('3001')
  newHost = world.host('3002')
  alice = world.person(oldHost)
  relay = await world.relay({ config: { pdsHosts: [oldHost.url, newHost.url] } })
  follower = relay.follow(0)
  alice.post()
  await heard(1)
})
afterEach(() => world.close())

const heard = (count: number) =>
  world.until(() => follower.heard.length >= count, `${count} events, of ${follower.heard.length}`)
const refused = (type: string, verdict: string, count = 1) =>
  world.until(() => relay.count(type, verdict) >= count, `${type} ${verdict}`)

test('an identity is asked for once, however much its account writes', async () => {
  for (let i = 0; i < 100; i++) alice.post()
  await heard(101)
  assert.deepEqual(world.lookups, [alice.did])
})

test('an identity is asked for again after an hour', async () => {
  await world.outside.advance(3_600_000)
  alice.post()
  await heard(2)
  assert.equal(world.lookups.length, 2)
})

test('what is known of an identity is believed while nobody can be asked', async () => {
  world.directoryIsDown = true
  await world.outside.advance(3_600_000)
  alice.post()
  await heard(2)
})

describe('a new key', () => {
  test('counts at once after an #identity', async () => {
    alice.changeKey()
    oldHost.identity(alice.did)
    alice.post()
    await heard(3)
    assert.deepEqual(follower.types, ['#commit', '#identity', '#commit'])
    assert.equal(relay.count('#commit', 'bad-signature'), 0)
  })

  test('is found by the first commit it signed, when no #identity came', async () => {
    alice.changeKey()
    alice.post()
    await heard(2)
    assert.equal(relay.count('#commit', 'bad-signature'), 0)
  })

  test('ends the old one', async () => {
    const { key } = alice
    alice.changeKey()
    oldHost.identity(alice.did)
    oldHost.say(alice.prepare({ key }).frame)
    await refused('#commit', 'bad-signature')
    alice.post()
    await heard(3)
  })

  test('does not make earlier commits of the same batch wrong', async () => {
    oldHost.hangUp()
    oldHost.isDown = true
    alice.post()
    oldHost.identity(alice.did)
    alice.post()
    oldHost.isDown = false
    await heard(4)
    assert.deepEqual(follower.types, ['#commit', '#commit', '#identity', '#commit'])
  })

  test('is not asked for without end because of forged commits', async () => {
    const { key } = world.person(oldHost)
    for (let i = 0; i < 300; i++) oldHost.say(alice.prepare({ key }).frame)
    await refused('#commit', 'bad-signature', 300)
    assert.ok(world.lookups.length < 60, `${world.lookups.length} lookups`)
    alice.post()
    await heard(2)
  })
})

describe('an account that moved', () => {
  const otherOf = (events: typeof follower.heard) => events.slice(1).map(({ type }) => type)

  test('is heard from its new host, and no more from the old, told by an #identity first', async () => {
    alice.move(newHost)
    newHost.identity(alice.did)
    newHost.account(alice.did, true)
    await heard(3)
    oldHost.account(alice.did, false, 'deactivated')
    await refused('#account', 'wrong-host')
    alice.post()
    await heard(4)
    assert.deepEqual(otherOf(follower.heard), ['#identity', '#account', '#commit'])
  })

  test('is heard from its new host though the commit comes first', async () => {
    alice.move(newHost)
    alice.post()
    await heard(2)
    oldHost.say(alice.prepare({ seq: oldHost.nextSeq }).frame)
    oldHost.account(alice.did, false, 'deactivated')
    await refused('#commit', 'wrong-host')
    await refused('#account', 'wrong-host')
    alice.post()
    await heard(3)
  })

  test('is active at its new host though the old one said its last before', async () => {
    alice.move(newHost)
    // The relay has not heard of the move: it believes the old host once more.
    oldHost.account(alice.did, false, 'deactivated')
    await heard(2)
    alice.post()
    await heard(3)
    assert.deepEqual(otherOf(follower.heard), ['#account', '#commit'])
    const status = await relay.get('com.atproto.sync.getRepoStatus', `did=${alice.did}`)
    assert.equal(status.active, true)
  })

  test('goes on though its last commit at the old host was not seen', async () => {
    alice.postSilently()
    alice.move(newHost)
    alice.changeKey()
    alice.post()
    await world.until(() => follower.types.includes('#sync'))
    assert.deepEqual(newHost.fetched, [alice.did])
    assert.deepEqual(oldHost.fetched, [])
  })

  test('cannot be taken over by a host that only says so', async () => {
    newHost.identity(alice.did)
    newHost.account(alice.did, false, 'deleted')
    newHost.say(alice.prepare({ seq: newHost.nextSeq }).frame)
    await refused('#identity', 'wrong-host')
    await refused('#account', 'wrong-host')
    await refused('#commit', 'wrong-host')
    alice.post()
    await heard(2)
  })
})

describe('while the directory is down', () => {
  test('nothing is lost: a host with unknown accounts is read on when it answers again', async () => {
    world.directoryIsDown = true
    const bob = world.person(oldHost)
    oldHost.identity(bob.did)
    bob.post()
    alice.post()
    for (let minute = 0; minute < 10; minute++) await world.outside.advance(60_000)
    assert.ok(!follower.heard.some(({ did }) => did === bob.did))
    world.directoryIsDown = false
    const backMs = world.outside.now()
    await heard(4)
    // However long it was away; what it failed to answer is believed for some seconds more.
    assert.ok(world.outside.now() - backMs < 15_000)
    const ofBob = follower.heard.filter(({ did }) => did === bob.did)
    assert.deepEqual(
      ofBob.map(({ type }) => type),
      ['#identity', '#commit'],
    )
  })

  test('hosts whose accounts are known are read on', async () => {
    world.directoryIsDown = true
    const bob = world.person(newHost)
    bob.post()
    alice.post()
    await heard(2)
  })

  test('a domain that is down costs its own account an event, and nobody else', async () => {
    const seq = oldHost.nextSeq
    const did = 'did:web:down.example'
    oldHost.say(encodeFrame('#identity', { did, seq, time: oldHost.now }))
    await refused('#identity', 'identity-unavailable')
    alice.post()
    await heard(2)
  })
})

describe('a trusted relay', () => {
  test('speaks for accounts of any host, and is verified all the same', async () => {
    await relay.stop()
    const upstream = world.host('3003')
    relay = await world.relay({ config: { trustedRelay: [upstream.url] } })
    follower = relay.follow(0)
    const posted = alice.prepare({ seq: 1 })
    alice.take(posted)
    upstream.say(posted.frame)
    await heard(1)
    upstream.say(alice.prepare({ seq: 2, key: world.person(newHost).key }).frame)
    await refused('#commit', 'bad-signature')
    upstream.account(alice.did, false, 'suspended')
    upstream.identity('did:plc:nobody234nobody234nobody')
    await heard(3)
    const status = await relay.get('com.atproto.sync.getHostStatus', 'hostname=localhost:3001')
    assert.equal(status.error, 'HostNotFound')
  })

  test('is trusted only as long as it is named', async () => {
    await relay.stop()
    const upstream = world.host('3003')
    relay = await world.relay({ config: { trustedRelay: [upstream.url] } })
    upstream.say(alice.prepare({ seq: 1 }).frame)
    await refused('#commit', 'accepted')
    const { folder } = relay
    await relay.stop()
    relay = await world.relay({ folder })
    alice.take(alice.prepare())
    upstream.say(alice.prepare({ seq: 2 }).frame)
    await refused('#commit', 'wrong-host')
  })
})
