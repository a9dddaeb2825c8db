import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { HttpResponse } from '#platform/runtime'
import { createScene, type Scene, textsOf } from '../scene.test-support.ts'
import type { Ref } from '../world.test-support.ts'

const NSID = 'app.bsky.feed.searchPostsV2'
const SEARCH = 'http://search.test'
let scene: Scene
let asked: URLSearchParams
let named: Ref[]
before(async () => {
  scene = await createScene({ config: { search: SEARCH } })
  scene.world.serve(SEARCH, (request): HttpResponse => {
    asked = new URLSearchParams(request.query)
    const posts = named.map(({ uri }) => ({ uri }))
    const headers = { 'content-type': 'application/json' }
    return { status: 200, headers, body: JSON.stringify({ posts, hitsTotal: 9 }) }
  })
})
after(() => scene.world.close())

async function found(params: Record<string, string | number | boolean | string[]>) {
  const { posts } = await scene.world.get(NSID, params, scene.alice)
  return textsOf(posts.map((post: object) => ({ post })))
}

test('one of each sort is asked of the search service, alternatives and exceptions are judged here', async () => {
  const { world, bob, carol, stranger, blake } = scene
  const link = (uri: string) => ({
    facets: [
      {
        index: { byteStart: 0, byteEnd: 1 },
        features: [{ $type: 'app.bsky.richtext.facet#link', uri }],
      },
    ],
  })
  const root = bob.post('root', { langs: ['ar'], tags: ['Water'] })
  const reply = carol.reply(root, 'reply')
  const linked = stranger.post('link', { ...link('https://www.example.com/a'), langs: ['pt-BR'] })
  const quote = carol.quote(root, 'quote')
  const picture = bob.post('picture', {
    embed: {
      $type: 'app.bsky.embed.images',
      images: [{ image: world.addBlob(new Uint8Array([1])), alt: '' }],
    },
  })
  const rude = blake.post('rude')
  await world.settle()
  named = [root, reply, linked, quote, picture, rude]
  const all = ['root', 'reply', 'link', 'quote', 'picture']
  assert.deepEqual(await found({ query: 'all' }), all, 'but for who is blocked')
  assert.equal(asked.get('q'), 'all')
  assert.deepEqual(await found({ authors: ['bob.test'] }), ['root', 'picture'])
  assert.deepEqual([asked.get('q'), asked.get('author')], ['*', bob.did])
  const two = [bob.did, 'stranger.test']
  assert.deepEqual(await found({ authors: two }), ['root', 'link', 'picture'])
  assert.equal(asked.has('author'), false)
  assert.deepEqual(await found({ excludeAuthors: two }), ['reply', 'quote'])
  assert.deepEqual(await found({ hashtags: ['water', 'none'] }), ['root'])
  assert.deepEqual(await found({ languages: ['pt', 'en'] }), ['link'])
  assert.deepEqual(await found({ query: 'x', excludeLanguages: ['ar'] }), all.slice(1))
  assert.deepEqual(await found({ domains: ['example.com'] }), ['link'])
  assert.deepEqual(await found({ urls: ['https://www.example.com/a/'] }), ['link'])
  assert.deepEqual(await found({ embeddedAtUris: [root.uri] }), ['quote'])
  assert.deepEqual(await found({ query: 'x', excludeEmbeddedAtUris: [root.uri] }), [
    'root',
    'reply',
    'link',
    'picture',
  ])
  assert.deepEqual(await found({ hasMedia: true }), ['picture'])
  assert.deepEqual(await found({ hasVideo: true }), [])
  assert.deepEqual(await found({ repliesOnly: true }), ['reply'])
  assert.deepEqual(await found({ excludeReplies: true }), ['root', 'link', 'quote', 'picture'])
  assert.deepEqual(await found({ replyParentUri: root.uri }), ['reply'])
  assert.deepEqual(await found({ threadRootUri: reply.uri }), [])
  assert.deepEqual(await found({ following: true }), ['root', 'reply', 'quote', 'picture'])
  assert.deepEqual(await found({ authors: ['nobody.test'] }), [])
})

test('what says nothing, or contradicts itself, is refused', async () => {
  const { world, alice } = scene
  const wrong: Record<string, string | boolean>[] = [
    {},
    { query: ' ' },
    { excludeReplies: true, repliesOnly: true },
  ]
  for (const params of wrong)
    assert.equal(await world.refused(NSID, params, alice), 'BadQueryString')
  assert.equal(await world.refused(NSID, { following: true }), 'BadQueryString')
})
