import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Agent } from '@atproto/api'
import { createScene, handlesOf } from '../scene.test-support.ts'
import type { Person, World } from '../world.test-support.ts'

/** The official client, unmodified: it checks every answer against lexicons of its own. */
function agentOf(world: World, person: Person): Agent {
  return new Agent(async (path, init) => {
    const url = new URL(path, 'http://appview.test')
    const nsid = url.pathname.slice('/xrpc/'.length)
    const response = await world.fetch(url.pathname, {
      method: (init?.method ?? 'get').toUpperCase(),
      query: url.search.slice(1),
      headers: { authorization: `Bearer ${world.token(person, nsid)}` },
      body: undefined,
    })
    const headers = response.headers as Record<string, string>
    return new Response(response.body as string, { status: response.status, headers })
  })
}

test('the official client reads lists, starter packs, suggestions and profiles', async (t) => {
  const { world, alice, bob, carol, stranger } = await createScene()
  t.after(() => world.close())
  const { now: createdAt } = bob
  const purpose = 'app.bsky.graph.defs#modlist'
  const list = bob.create('app.bsky.graph.list', { name: 'some', purpose, createdAt })
  bob.create('app.bsky.graph.listitem', { list: list.uri, subject: stranger.did, createdAt })
  const pack = bob.create('app.bsky.graph.starterpack', {
    ...{ name: 'begin', list: list.uri },
    createdAt,
  })
  carol.follow(stranger)
  alice.create('app.bsky.graph.listblock', { subject: list.uri, createdAt })
  const status = 'app.bsky.actor.status#live'
  bob.create('app.bsky.actor.status', { status, durationMinutes: 60, createdAt }, 'self')
  await world.settle()
  const { graph, actor, feed, unspecced } = agentOf(world, alice).app.bsky

  const blocks = await graph.getListBlocks()
  assert.equal(blocks.data.lists[0]?.uri, list.uri)
  const packs = await graph.getStarterPack({ starterPack: pack.uri })
  assert.equal(packs.data.starterPack.list?.listItemCount, 1)
  const found = await graph.searchStarterPacks({ q: 'begin' })
  assert.equal(found.data.starterPacks.length, 1)
  const members = await graph.getList({ list: list.uri })
  assert.deepEqual(members.data.items, [], 'alice blocks by this list')
  const profile = await actor.getProfile({ actor: stranger.did })
  assert.equal(profile.data.viewer?.blockingByList?.uri, list.uri)
  const live = await actor.getProfile({ actor: bob.did })
  assert.equal(live.data.status?.isActive, true)
  assert.deepEqual(handlesOf((await actor.getSuggestions()).data.actors), [])
  assert.deepEqual((await feed.getListFeed({ list: list.uri })).data.feed, [])
  assert.equal((await unspecced.getConfig({})).success, true)
})
