import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createScene, type Scene } from '../scene.test-support.ts'
import type { Person, Ref } from '../world.test-support.ts'

const NSID = 'app.bsky.feed.getPosts'
let scene: Scene
before(async () => {
  scene = await createScene()
})
after(() => scene.world.close())

async function one(ref: Ref, as?: Person) {
  await scene.world.settle()
  const { posts } = await scene.world.get(NSID, { uris: [ref.uri] }, as)
  return posts[0]
}

test('posts come in the order asked for, without those that may not be shown', async () => {
  const { world, alice, bob, blake, brook, gone, post, answer } = scene
  const rude = blake.post('rude')
  const cold = brook.post('cold')
  const hidden = gone.post('hidden')
  const deleted = bob.post('deleted')
  bob.delete(deleted)
  await world.settle()
  const uris = [answer, rude, cold, hidden, deleted, post, answer].map(({ uri }) => uri)
  const read = async (as?: Person) =>
    (await world.get(NSID, { uris }, as)).posts.map(({ uri }: Ref) => uri)
  assert.deepEqual(await read(alice), [answer.uri, post.uri])
  assert.deepEqual(await read(), [answer.uri, rude.uri, cold.uri, post.uri])
})

test('counts and what the viewer did stand with the post', async () => {
  const { alice, post } = scene
  assert.deepEqual((await one(post)).viewer, undefined)
  const before = await one(post, alice)
  assert.deepEqual(
    [before.likeCount, before.repostCount, before.replyCount, before.quoteCount],
    [5, 5, 5, 0],
  )
  assert.deepEqual([before.viewer.like, before.viewer.repost], [undefined, undefined])
  const like = alice.like(post)
  const repost = alice.repost(post)
  alice.quote(post, 'quote')
  const after = await one(post, alice)
  assert.deepEqual([after.viewer.like, after.viewer.repost], [like.uri, repost.uri])
  assert.deepEqual([after.likeCount, after.repostCount, after.quoteCount], [6, 6, 1])
  alice.delete(like)
  assert.deepEqual((await one(post, alice)).viewer.like, undefined)
})

test('pictures have addresses at this app view, with their text and shape', async () => {
  const { world, bob } = scene
  const blob = world.addBlob(new Uint8Array([1]))
  const images = [{ image: blob, alt: 'a "view"', aspectRatio: { width: 3, height: 2 } }]
  const { embed } = await one(
    bob.post('look', { embed: { $type: 'app.bsky.embed.images', images } }),
  )
  const url = (preset: string) =>
    `http://appview.test/img/${preset}/plain/${bob.did}/${blob.ref.$link}@webp`
  assert.deepEqual(embed, {
    $type: 'app.bsky.embed.images#view',
    images: [
      {
        thumb: url('feed_thumbnail'),
        fullsize: url('feed_fullsize'),
        alt: 'a "view"',
        aspectRatio: { width: 3, height: 2 },
      },
    ],
  })
})

test('links, films and galleries have views', async () => {
  const { world, bob } = scene
  const thumb = world.addBlob(new Uint8Array([2]))
  const external = { uri: 'https://example.com/', title: 'T', description: 'D', thumb }
  const link = await one(
    bob.post('link', { embed: { $type: 'app.bsky.embed.external', external } }),
  )
  assert.equal(link.embed.external.uri, 'https://example.com/')
  assert.match(link.embed.external.thumb, /feed_thumbnail/)
  const video = world.addBlob(new Uint8Array([3]), 'video/mp4')
  const film = await one(
    bob.post('film', { embed: { $type: 'app.bsky.embed.video', video, alt: 'film' } }),
  )
  assert.equal(film.embed.cid, video.ref.$link)
  assert.equal(film.embed.playlist, `http://appview.test/video/plain/${bob.did}/${video.ref.$link}`)
  const items = Array.from({ length: 12 }, () => ({
    $type: 'app.bsky.embed.gallery#image',
    image: thumb,
    alt: '',
    aspectRatio: { width: 1, height: 1 },
  }))
  const gallery = await one(
    bob.post('gallery', { embed: { $type: 'app.bsky.embed.gallery', items } }),
  )
  assert.equal(gallery.embed.items.length, 10)
})

test('a quote shows the post, the quote inside it, and no deeper', async () => {
  const { bob, carol, post } = scene
  const first = carol.quote(post, 'first')
  const second = bob.quote(first, 'second')
  const third = carol.quote(second, 'third')
  const view = await one(third)
  const inner = view.embed.record
  assert.equal(inner.$type, 'app.bsky.embed.record#viewRecord')
  assert.equal(inner.value.text, 'second')
  assert.equal(inner.embeds[0].record.value.text, 'first')
  assert.equal(inner.embeds[0].record.embeds, undefined)
})

test('a quote with media shows both', async () => {
  const { world, carol, post } = scene
  const images = [{ image: world.addBlob(new Uint8Array([4])), alt: '' }]
  const media = { $type: 'app.bsky.embed.images', images }
  const record = { $type: 'app.bsky.embed.record', record: post }
  const embed = { $type: 'app.bsky.embed.recordWithMedia', media, record }
  const view = await one(carol.post('both', { embed }))
  assert.equal(view.embed.$type, 'app.bsky.embed.recordWithMedia#view')
  assert.equal(view.embed.record.record.value.text, 'the post')
  assert.equal(view.embed.media.images.length, 1)
})

test('what stands for a quoted record that may not be shown', async () => {
  const { world, alice, bob, blake, carol, gone, stranger, post } = scene
  const kind = async (quote: Ref, as?: Person) =>
    (await one(quote, as)).embed.record.$type.split('#')[1]
  const list = { uri: `at://${bob.did}/app.bsky.graph.list/x`, cid: post.cid }
  assert.equal(await kind(carol.quote(blake.post('rude'), 'look'), alice), 'viewBlocked')
  assert.equal(await kind(carol.quote(gone.post('gone'), 'look')), 'viewNotFound')
  assert.equal(await kind(carol.quote(list, 'look')), 'viewNotFound')
  const mine = stranger.post('of stranger')
  const quote = carol.quote(mine, 'look')
  assert.equal(await kind(quote), 'viewRecord')
  const rkey = mine.uri.split('/').pop()!
  const gate = { post: mine.uri, createdAt: stranger.now }
  stranger.create('app.bsky.feed.postgate', { ...gate, detachedEmbeddingUris: [quote.uri] }, rkey)
  assert.equal(await kind(quote), 'viewDetached')
  const embeddingRules = [{ $type: 'app.bsky.feed.postgate#disableRule' }]
  stranger.update('app.bsky.feed.postgate', rkey, { ...gate, embeddingRules })
  assert.equal(await kind(quote), 'viewDetached')
  assert.equal((await one(mine, carol)).viewer.embeddingDisabled, true)
  assert.equal((await one(mine, stranger)).viewer.embeddingDisabled, false)
  stranger.block(carol)
  await world.settle()
  assert.equal(await kind(quote), 'viewBlocked')
})

test('labels an author puts on a post are shown as labels', async () => {
  const { bob } = scene
  const labels = { $type: 'com.atproto.label.defs#selfLabels', values: [{ val: 'graphic-media' }] }
  const ref = bob.post('labelled', { labels })
  const view = await one(ref)
  assert.deepEqual(view.labels, [
    { src: bob.did, uri: ref.uri, cid: ref.cid, val: 'graphic-media', cts: view.record.createdAt },
  ])
})

test('the record is sent as it was written, whatever its letters', async () => {
  const { bob } = scene
  const text = 'مرحبا "quoted" \\ back\u2028slash 🎉 </script>'
  const ref = bob.post(text, { langs: ['ar'], tags: ['a'], 'x-unknown': { deep: [1, null, true] } })
  const { record } = await one(ref)
  assert.equal(record.text, text)
  assert.deepEqual(record['x-unknown'], { deep: [1, null, true] })
})

test('a post from before it was seen is dated by its author, one from the future by us', async () => {
  const { world, carol, alice } = scene
  await world.outside.advance(10_000)
  const late = carol.post('late', { createdAt: '2020-01-01T00:00:00.000Z' })
  const early = carol.post('early', { createdAt: '2999-01-01T00:00:00.000Z' })
  const now = carol.post('now')
  await world.settle()
  assert.ok((await one(late)).indexedAt > '2025')
  const { feed } = await world.get('app.bsky.feed.getAuthorFeed', { actor: carol.did }, alice)
  const uris = feed.map((item: { post: Ref }) => item.post.uri)
  assert.equal(uris.at(-1), late.uri)
  assert.deepEqual(new Set(uris.slice(0, 2)), new Set([now.uri, early.uri]))
})

test('more than 25, and none at all, are refused', async () => {
  const { world, post } = scene
  const uris = Array.from({ length: 26 }, () => post.uri)
  assert.equal(await world.refused(NSID, { uris }), 'InvalidRequest')
  assert.equal(await world.refused(NSID, {}), 'InvalidRequest')
})
