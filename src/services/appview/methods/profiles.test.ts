import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { createScene, handlesOf, type Scene } from '../scene.test-support.ts'
import type { Person } from '../world.test-support.ts'

const VERIFIER = 'carol'
let scene: Scene
beforeEach(async () => {
  const did = `did:plc:${VERIFIER.padEnd(24, '2')}`
  scene = await createScene({ config: { verifiers: [did] } })
})
afterEach(() => scene.world.close())

const profile = (who: Person, as?: Person) =>
  scene.world.get('app.bsky.actor.getProfile', { actor: who.did }, as)

test('a profile says what its account publishes, and whose messages it takes', async () => {
  const { world, bob } = scene
  const { now: createdAt } = bob
  const purpose = 'app.bsky.graph.defs#curatelist'
  bob.create('app.bsky.graph.list', { name: 'some', purpose, createdAt })
  bob.create('app.bsky.feed.generator', { did: bob.did, displayName: 'feed', createdAt })
  bob.create('chat.bsky.actor.declaration', { allowIncoming: 'following' }, 'self')
  bob.create('app.bsky.notification.declaration', { allowSubscriptions: 'none' }, 'self')
  bob.create('app.bsky.labeler.service', { policies: { labelValues: [] }, createdAt }, 'self')
  await world.settle()
  assert.deepEqual((await profile(bob)).associated, {
    lists: 1,
    feedgens: 1,
    starterPacks: 0,
    labeler: true,
    chat: { allowIncoming: 'following' },
    activitySubscription: { allowSubscriptions: 'none' },
  })
  const other = (await profile(scene.carol)).associated
  assert.deepEqual(other.activitySubscription, { allowSubscriptions: 'followers' })
})

test('who is live is shown so while it lasts', async () => {
  const { world, bob } = scene
  const embed = {
    $type: 'app.bsky.embed.external',
    external: { uri: 'https://live.test', title: 'Live', description: '' },
  }
  const status = 'app.bsky.actor.status#live'
  const record = { status, embed, durationMinutes: 30, createdAt: bob.now }
  const live = bob.create('app.bsky.actor.status', record, 'self')
  await world.settle()
  const view = (await profile(bob)).status
  assert.deepEqual([view.uri, view.status, view.isActive], [live.uri, status, true])
  assert.equal(view.embed.external.uri, 'https://live.test')
  assert.equal(Date.parse(view.expiresAt) - Date.parse(record.createdAt), 30 * 60_000)
  await world.outside.advance(31 * 60_000)
  assert.equal((await profile(bob)).status.isActive, false)
  bob.delete(live)
  await world.settle()
  assert.equal((await profile(bob)).status, undefined)
})

test('nobody is live for longer than four hours, or shorter than five minutes', async () => {
  const { world, bob, carol } = scene
  const status = 'app.bsky.actor.status#live'
  const { now: createdAt } = bob
  bob.create('app.bsky.actor.status', { status, durationMinutes: 100_000, createdAt }, 'self')
  carol.create('app.bsky.actor.status', { status, durationMinutes: 1, createdAt }, 'self')
  await world.settle()
  const lasts = async (who: Person) =>
    (Date.parse((await profile(who)).status.expiresAt) - Date.parse(createdAt)) / 60_000
  assert.deepEqual([await lasts(bob), await lasts(carol)], [240, 5])
})

test('a verifier’s word holds while handle and name are what they were', async () => {
  const { world, bob, carol, stranger } = scene
  const verify = (by: Person) =>
    by.create('app.bsky.graph.verification', {
      subject: bob.did,
      handle: 'bob.test',
      displayName: 'BOB',
      createdAt: by.now,
    })
  verify(stranger)
  await world.settle()
  assert.equal((await profile(bob)).verification, undefined, 'anybody may say anything')
  const word = verify(carol)
  await world.settle()
  const { verification } = await profile(bob)
  assert.equal(verification.verifiedStatus, 'valid')
  assert.deepEqual(
    verification.verifications.map(({ issuer, uri }: { issuer: string; uri: string }) => [
      issuer,
      uri,
    ]),
    [[carol.did, word.uri]],
  )
  assert.equal((await profile(carol)).verification.trustedVerifierStatus, 'valid')
  bob.update('app.bsky.actor.profile', 'self', { displayName: 'Somebody else' })
  await world.settle()
  assert.equal((await profile(bob)).verification.verifiedStatus, 'invalid')
  carol.delete(word)
  await world.settle()
  assert.equal((await profile(bob)).verification, undefined)
})

test('of the followers of an account, the viewer sees those it knows', async () => {
  const { world, alice, bob, carol, stranger } = scene
  const { viewer } = await profile(bob, alice)
  // Gone follows too, and is not shown.
  assert.equal(viewer.knownFollowers.count, 2)
  assert.deepEqual(handlesOf(viewer.knownFollowers.followers), ['carol.test'])
  const known = async (as: Person, more: object = {}) =>
    world.get('app.bsky.graph.getKnownFollowers', { actor: bob.did, ...more }, as)
  assert.deepEqual(handlesOf((await known(alice)).followers), ['carol.test'])
  assert.deepEqual((await known(stranger)).followers, [])
  alice.follow(stranger)
  await world.settle()
  const all: string[] = []
  let cursor: string | undefined
  do {
    const page = await known(alice, { limit: 1, ...(cursor && { cursor }) })
    all.push(...handlesOf(page.followers))
    cursor = page.cursor
  } while (cursor)
  assert.deepEqual(all, ['stranger.test', 'carol.test'])
  carol.block(alice)
  await world.settle()
  assert.deepEqual(handlesOf((await known(alice)).followers), ['stranger.test'])
})
