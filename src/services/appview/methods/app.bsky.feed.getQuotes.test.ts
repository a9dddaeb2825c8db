import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createScene, type PostView, type Scene } from '../scene.test-support.ts'
import type { Person, Ref } from '../world.test-support.ts'

const NSID = 'app.bsky.feed.getQuotes'
let scene: Scene
before(async () => {
  scene = await createScene()
})
after(() => scene.world.close())

async function quotes({ uri }: Ref, params: Record<string, string | number> = {}, as?: Person) {
  const { posts, cursor } = await scene.world.get(NSID, { uri, ...params }, as)
  return { texts: posts.map((post: PostView) => post.record.text) as string[], cursor, posts }
}

test('quotes of a post come newest first, page by page, without those the viewer may not see', async () => {
  const { world, alice, bob, carol, blake, brook, gone, stranger } = scene
  const post = bob.post('quoted')
  for (const person of [carol, blake, brook, gone, stranger]) {
    await world.outside.advance(1_000)
    person.quote(post, person.handle)
  }
  await world.settle()
  assert.deepEqual((await quotes(post, {}, alice)).texts, ['stranger.test', 'carol.test'])
  const all = ['stranger.test', 'brook.test', 'blake.test', 'carol.test']
  assert.deepEqual((await quotes(post)).texts, all)
  const read: string[] = []
  for (let cursor: string | undefined = ''; cursor !== undefined; ) {
    const page = await quotes(post, { limit: 1, ...(cursor && { cursor }) })
    read.push(...page.texts)
    cursor = page.cursor
  }
  assert.deepEqual(read, all)
  stranger.block(bob)
  await world.settle()
  assert.deepEqual((await quotes(post, {}, alice)).texts, ['carol.test'], 'a block between the two')
})

test('only quotes of one version when that is asked for; also those that carry pictures', async () => {
  const { world, bob, carol } = scene
  const post = bob.post('versions')
  const older = { ...post, cid: bob.post('an older text').cid }
  carol.quote(older, 'of the older')
  carol.post('of the newer', {
    embed: {
      $type: 'app.bsky.embed.recordWithMedia',
      record: { $type: 'app.bsky.embed.record', record: post },
      media: {
        $type: 'app.bsky.embed.images',
        images: [{ image: world.addBlob(new Uint8Array([1])), alt: '' }],
      },
    },
  })
  await world.settle()
  assert.deepEqual((await quotes(post, { cid: post.cid })).texts, ['of the newer'])
  assert.equal((await quotes(post)).texts.length, 2)
})

test('a quote that was detached is a quote without what it quoted', async () => {
  const { world, alice, bob, carol } = scene
  const post = bob.post('taken out of context')
  const by = carol.quote(post, 'see this')
  const rkey = post.uri.split('/').pop()!
  const gate = { post: post.uri, createdAt: bob.now }
  bob.create('app.bsky.feed.postgate', { ...gate, detachedEmbeddingUris: [by.uri] }, rkey)
  await world.settle()
  const { posts } = await quotes(post, {}, alice)
  assert.equal(posts[0].embed.record.$type, 'app.bsky.embed.record#viewDetached')
  assert.ok(!JSON.stringify(posts).includes('taken out of context'))
  const disable = [{ $type: 'app.bsky.feed.postgate#disableRule' }]
  bob.update('app.bsky.feed.postgate', rkey, { ...gate, embeddingRules: disable })
  const own = bob.quote(post, 'of my own')
  await world.settle()
  const read = await world.get(
    'app.bsky.feed.getPosts',
    { uris: [by.uri, own.uri, post.uri] },
    alice,
  )
  const [ofCarol, ofBob, quoted] = read.posts
  assert.equal(ofCarol.embed.record.$type, 'app.bsky.embed.record#viewDetached')
  assert.equal(ofBob.embed.record.$type, 'app.bsky.embed.record#viewRecord', 'its author may')
  assert.equal(quoted.viewer.embeddingDisabled, true)
  bob.delete({ uri: `at://${bob.did}/app.bsky.feed.postgate/${rkey}` })
  await world.settle()
  const again = await quotes(post, {}, alice)
  assert.equal(again.posts.at(-1).embed.record.value.text, 'taken out of context')
})
