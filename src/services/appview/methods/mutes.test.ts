import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import type { Nsid } from '#protocol/syntax'
import { createScene, handlesOf, type Scene, textsOf } from '../scene.test-support.ts'

let scene: Scene
beforeEach(async () => {
  scene = await createScene()
})
afterEach(() => scene.world.close())

async function mute(verb: 'muteActor' | 'unmuteActor', actor: string): Promise<string | undefined> {
  const { world, alice } = scene
  const response = await world.post(`app.bsky.graph.${verb}` as Nsid, { actor }, alice)
  return response.status === 200 ? undefined : JSON.parse(response.body as string).error
}

const mutes = (params: object = {}) =>
  scene.world.get('app.bsky.graph.getMutes', params as never, scene.alice)

test('a muted account is marked, listed, and nobody else sees it', async () => {
  const { world, alice, bob, carol } = scene
  assert.equal(await mute('muteActor', 'carol.test'), undefined)
  assert.equal(await mute('muteActor', carol.did), undefined)
  await world.outside.advance(1)
  await mute('muteActor', bob.did)
  const page = await mutes()
  assert.deepEqual(handlesOf(page.mutes), ['bob.test', 'carol.test'])
  assert.equal(page.mutes[0].viewer.muted, true)
  const first = await mutes({ limit: 1 })
  const rest = await mutes({ limit: 1, cursor: first.cursor })
  assert.deepEqual(handlesOf([...first.mutes, ...rest.mutes]), ['bob.test', 'carol.test'])
  const profile = async (as = alice) =>
    (await world.get('app.bsky.actor.getProfile', { actor: carol.did }, as)).viewer.muted
  assert.deepEqual([await profile(), await profile(bob)], [true, false])
  await mute('unmuteActor', carol.did)
  assert.equal(await profile(), false)
  assert.deepEqual(handlesOf((await mutes()).mutes), ['bob.test'])
})

test('what a muted account writes and reposts is not in the timeline', async () => {
  const { world, alice, bob, carol } = scene
  const texts = async () =>
    textsOf((await world.get('app.bsky.feed.getTimeline', { limit: 50 }, alice)).feed)
  assert.ok((await texts()).includes('answer of carol.test'))
  await mute('muteActor', carol.did)
  assert.deepEqual(await texts(), ['the post'])
  await mute('muteActor', bob.did)
  assert.deepEqual(await texts(), [])
  const feed = await world.get('app.bsky.feed.getAuthorFeed', { actor: bob.did }, alice)
  assert.ok(textsOf(feed.feed).includes('the post'))
})

test('nothing is told of what a muted account does', async () => {
  const { world, alice, stranger } = scene
  const own = alice.post('mine')
  stranger.like(own)
  await world.settle()
  const told = async () => {
    const { notifications } = await world.get('app.bsky.notification.listNotifications', {}, alice)
    const { count } = await world.get('app.bsky.notification.getUnreadCount', {}, alice)
    return [notifications.length, count]
  }
  assert.deepEqual(await told(), [1, 1])
  await mute('muteActor', stranger.did)
  assert.deepEqual(await told(), [0, 0])
})

test('nobody mutes themselves, somebody unknown, or without saying who they are', async () => {
  const { world, alice, bob } = scene
  assert.equal(await mute('muteActor', alice.did), 'InvalidRequest')
  assert.equal(await mute('muteActor', 'did:plc:unknown'), 'InvalidRequest')
  const input = { actor: bob.did }
  const response = await world.post('app.bsky.graph.muteActor', input)
  assert.equal(response.status, 401)
  assert.equal(await world.refused('app.bsky.graph.getMutes'), 'AuthMissing')
})
