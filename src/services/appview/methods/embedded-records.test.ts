import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { createScene, type Scene } from '../scene.test-support.ts'
import type { Person, Ref } from '../world.test-support.ts'

let scene: Scene
beforeEach(async () => {
  scene = await createScene()
})
afterEach(() => scene.world.close())

/** What the post that embeds a record shows of it. */
async function shown(record: Ref, as?: Person) {
  const { world, carol } = scene
  const post = carol.quote(record, 'look')
  await world.settle()
  const { posts } = await world.get('app.bsky.feed.getPosts', { uris: [post.uri] }, as)
  return posts[0].embed.record
}

test('a post shows the feed, the list, the starter pack or the labeler that it embeds', async () => {
  const { bob, alice } = scene
  const { now: createdAt } = bob
  const feed = bob.create('app.bsky.feed.generator', {
    did: bob.did,
    displayName: 'Springs',
    createdAt,
  })
  const purpose = 'app.bsky.graph.defs#curatelist'
  const list = bob.create('app.bsky.graph.list', { name: 'some', purpose, createdAt })
  const pack = { name: 'begin', list: list.uri, createdAt }
  const policies = { labelValues: [] }
  const records: [Ref, string][] = [
    [feed, 'app.bsky.feed.defs#generatorView'],
    [list, 'app.bsky.graph.defs#listView'],
    [bob.create('app.bsky.graph.starterpack', pack), 'app.bsky.graph.defs#starterPackViewBasic'],
    [
      bob.create('app.bsky.labeler.service', { policies, createdAt }, 'self'),
      'app.bsky.labeler.defs#labelerView',
    ],
  ]
  for (const [record, type] of records) {
    const view = await shown(record, alice)
    assert.deepEqual([view.$type, view.uri], [type, record.uri])
    assert.equal(view.creator.handle, 'bob.test')
  }
})

test('what is gone, or of somebody with a block between, is not found', async () => {
  const { bob, blake, alice, world } = scene
  const make = (by: Person) =>
    by.create('app.bsky.feed.generator', {
      did: by.did,
      displayName: 'Springs',
      createdAt: by.now,
    })
  const notFound = 'app.bsky.embed.record#viewNotFound'
  const blocked = make(blake)
  assert.equal((await shown(blocked, alice)).$type, notFound)
  assert.equal((await shown(blocked)).$type, 'app.bsky.feed.defs#generatorView')
  const gone = make(bob)
  await world.settle()
  bob.delete(gone)
  assert.equal((await shown(gone, alice)).$type, notFound)
})
