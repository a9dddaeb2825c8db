import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import fc from 'fast-check'
import type { HttpRequest, HttpResponse } from '#platform/runtime'
import { createScene, HIDDEN, handlesOf, type Scene } from '../scene.test-support.ts'
import { type Person, World } from '../world.test-support.ts'

const SEARCH = 'http://search.test'
const POSTS = 'app.bsky.feed.searchPosts'
const ACTORS = 'app.bsky.actor.searchActors'
const TYPEAHEAD = 'app.bsky.actor.searchActorsTypeahead'

const json = (status: number, body: unknown): HttpResponse => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
})

describe('search through a search service', () => {
  let scene: Scene
  let world: World
  let answer: (request: HttpRequest) => HttpResponse | Promise<HttpResponse>
  let asked: URLSearchParams

  before(async () => {
    scene = await createScene({ config: { search: SEARCH } })
    world = scene.world
    world.serve(SEARCH, (request) => {
      asked = new URLSearchParams(request.query)
      return answer(request)
    })
  })
  after(() => world.close())
  beforeEach(() => {
    answer = () => json(200, {})
  })

  const says = (body: unknown, status = 200) => {
    answer = () => json(status, body)
  }
  const everybody = (): Person[] => [...world.people.values()]
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
  const textsOf = (posts: any[]): string[] => posts.map((post) => post.record.text)

  test('posts are shown in the order of the service, with all that surrounds them', async () => {
    const uris = [scene.strangers.uri, scene.post.uri, scene.answer.uri]
    says({ posts: uris.map((uri) => ({ uri })), cursor: 'next', hitsTotal: 7 })
    const found = await world.get(POSTS, { q: 'post' }, scene.alice)
    assert.deepEqual(textsOf(found.posts), [
      'answer of stranger.test',
      'the post',
      'answer of carol.test',
    ])
    assert.equal(found.cursor, 'next')
    assert.equal(found.hitsTotal, 7)
    assert.equal(
      found.posts[1].author.viewer.following.startsWith(`at://${scene.alice.did}/`),
      true,
    )
    assert.equal(found.posts[1].likeCount, 5)
  })

  test('what is asked for is passed on, with accounts by DID and who asks', async () => {
    says({ posts: [] })
    const params = {
      q: 'فلج "ماء"',
      sort: 'top',
      since: '2026-01-01',
      until: '2026-02-01',
      author: 'bob.test',
      mentions: scene.carol.did,
      lang: 'ar',
      domain: 'example.com',
      url: 'https://example.com/',
      tag: ['one', 'two'],
      limit: 3,
      cursor: 'here',
    }
    await world.get(POSTS, params, scene.alice)
    const { tag, ...single } = params
    assert.deepEqual(asked.getAll('tag'), tag)
    for (const [name, value] of Object.entries({ ...single, author: scene.bob.did }))
      assert.equal(asked.get(name), String(value), name)
    assert.equal(asked.get('viewer'), scene.alice.did)
    await world.get(POSTS, { q: 'a' })
    assert.equal(asked.has('viewer'), false)
  })

  test('somebody nobody has spoken of has no posts, and nobody is asked', async () => {
    answer = () => assert.fail('asked')
    assert.deepEqual(await world.get(POSTS, { q: 'a', author: 'nobody.test' }), {
      posts: [],
      hitsTotal: 0,
    })
    assert.deepEqual(await world.get(POSTS, { q: 'a', mentions: 'gone.test' }), {
      posts: [],
      hitsTotal: 0,
    })
  })

  test('posts that are blocked, hidden or gone vanish from the hits', async () => {
    const theirs = await Promise.all(
      everybody().map(async (person) => person.post(`words of ${person.handle}`)),
    )
    await world.settle()
    const gone = theirs[1]!
    scene.bob.delete(gone)
    await world.settle()
    says({ posts: theirs.map(({ uri }) => ({ uri })) })
    const { posts } = await world.get(POSTS, { q: 'words' }, scene.alice)
    assert.deepEqual(
      posts.map((post: { author: { handle: string } }) => post.author.handle),
      ['alice.test', 'carol.test', 'stranger.test'],
    )
  })

  test('accounts are shown in the order of the service, but those Alice may not see', async () => {
    says({ actors: everybody().map(({ did }) => ({ did })), cursor: '7' })
    const found = await world.get(ACTORS, { q: 'a', limit: 50 }, scene.alice)
    assert.deepEqual(handlesOf(found.actors), [
      'alice.test',
      'bob.test',
      'carol.test',
      'stranger.test',
    ])
    for (const handle of HIDDEN) assert.ok(!handlesOf(found.actors).includes(handle))
    assert.equal(found.cursor, '7')
    assert.equal(asked.get('typeahead'), 'false')
    assert.equal(asked.get('viewer'), scene.alice.did)
    const typed = await world.get(TYPEAHEAD, { q: 'a', limit: 50 }, scene.alice)
    assert.deepEqual(handlesOf(typed.actors), handlesOf(found.actors))
    assert.equal(asked.get('typeahead'), 'true')
  })

  test('the old name of the query is understood, and no query finds nobody', async () => {
    says({ actors: [{ did: scene.bob.did }] })
    for (const nsid of [ACTORS, TYPEAHEAD] as const) {
      assert.equal((await world.get(nsid, { term: 'bob' })).actors.length, 1)
      assert.equal(asked.get('q'), 'bob')
      assert.deepEqual(await world.get(nsid, {}), { actors: [] })
    }
  })

  test('a service that lies shows what is true of its answer, and nothing else', async () => {
    const { uri } = scene.post
    const other = uri.replace('feed.post', 'feed.like')
    const lies: unknown[] = [
      { uri },
      { uri },
      { uri: `${uri}x` },
      { uri: other },
      { uri: 'at://did:plc:unknown22222222222222222/app.bsky.feed.post/3lcaaaaaaaa2a' },
      { uri: 'at://bob.test/app.bsky.feed.post/3lcaaaaaaaa2a' },
      { uri: 'https://example.com' },
      { uri: 7 },
      { uri: null },
      { uri: ['a'] },
      {},
      null,
      'at://x',
      7,
      [],
      { did: scene.bob.did },
    ]
    says({ posts: lies, cursor: { no: 'text' }, hitsTotal: -1 })
    const found = await world.get(POSTS, { q: 'a' }, scene.alice)
    assert.deepEqual(textsOf(found.posts), ['the post'])
    assert.equal(found.cursor, undefined)
    assert.equal(found.hitsTotal, undefined)
    says({ actors: [{ did: scene.bob.did }, { did: scene.bob.did }, { did: 'x' }, ...lies] })
    const people = await world.get(ACTORS, { q: 'a' }, scene.alice)
    assert.deepEqual(handlesOf(people.actors), ['bob.test'])
  })

  test('a service that gives too much is cut to what was asked for', async () => {
    const { uri } = scene.post
    const many = [...Array(2_000)].map((_, i) => ({ uri: `${uri.slice(0, -2)}${i}` }))
    says({ posts: [{ uri }, { uri: scene.answer.uri }, ...many], cursor: 'c'.repeat(5_000) })
    const found = await world.get(POSTS, { q: 'a', limit: 1 }, scene.alice)
    assert.deepEqual(textsOf(found.posts), ['the post'])
    assert.equal(found.cursor, undefined)
    answer = () => ({ status: 200, body: ' '.repeat(600_000) })
    assert.equal(await world.refused(POSTS, { q: 'a' }), 'UpstreamFailure')
  })

  const FAULTS: readonly [what: string, answer: () => HttpResponse, error: string][] = [
    ['says it failed', () => json(500, { error: 'Boom' }), 'UpstreamFailure'],
    ['is gone', () => json(404, {}), 'UpstreamFailure'],
    ['wants a sign-in', () => json(401, { error: 'AuthMissing' }), 'UpstreamFailure'],
    ['limits us', () => json(429, { error: 'RateLimitExceeded' }), 'UpstreamFailure'],
    ['is something else', () => ({ status: 200, body: '<html>' }), 'UpstreamFailure'],
    ['gives null', () => json(200, null), 'UpstreamFailure'],
    ['gives a list', () => json(200, []), 'UpstreamFailure'],
    ['gives no list', () => json(200, { posts: 'many', actors: {} }), 'UpstreamFailure'],
    ['redirects', () => ({ status: 302, headers: { location: '/x' } }), 'UpstreamFailure'],
    ['refuses the query', () => json(400, { error: 'BadQueryString' }), 'BadQueryString'],
    ['refuses the cursor', () => json(400, { error: 'InvalidRequest' }), 'InvalidRequest'],
    ['refuses in words of its own', () => json(400, { error: 'NotToday' }), 'UpstreamFailure'],
  ]
  for (const [what, given, error] of FAULTS) {
    test(`a service that ${what} is ${error}`, async () => {
      answer = given
      for (const nsid of [POSTS, ACTORS, TYPEAHEAD] as const)
        assert.equal(await world.refused(nsid, { q: 'a' }, scene.alice), error)
    })
  }

  test('a service that throws, never answers, or never ends its answer is given up', async () => {
    const never: (() => HttpResponse | Promise<HttpResponse>)[] = [
      () => new Promise<never>(() => {}),
      () => ({
        status: 200,
        body: (async function* () {
          yield new TextEncoder().encode('{"posts":[')
          await new Promise(() => {})
        })(),
      }),
    ]
    for (const given of never) {
      answer = given
      for (const nsid of [POSTS, ACTORS, TYPEAHEAD] as const) {
        const asking = world.refused(nsid, { q: 'a' }, scene.alice)
        await world.outside.advance(2_900)
        await world.outside.advance(200)
        assert.equal(await asking, 'UpstreamTimeout')
      }
    }
    answer = () => {
      throw new Error('no')
    }
    assert.equal(await world.refused(POSTS, { q: 'a' }), 'UpstreamFailure')
  })

  test('whatever a service answers, the app view answers too', async () => {
    const hit = fc.oneof(
      fc.anything(),
      fc.record({ uri: fc.oneof(fc.string(), fc.constant(scene.post.uri)) }),
      fc.record({ did: fc.oneof(fc.string(), fc.constant(scene.bob.did)) }),
    )
    const body = fc.oneof(
      fc.anything(),
      fc.record({
        posts: fc.array(hit),
        actors: fc.array(hit),
        cursor: fc.anything(),
        hitsTotal: fc.anything(),
      }),
    )
    const plain = (value: unknown) =>
      JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? String(one) : one)) ?? ''
    await fc.assert(
      fc.asyncProperty(body, async (given) => {
        answer = () => ({ status: 200, body: plain(given) })
        for (const nsid of [POSTS, ACTORS] as const) {
          const { status } = await world.call('GET', nsid, { params: { q: 'a' } })
          assert.ok(status === 200 || status === 502, String(status))
        }
      }),
      { numRuns: 300 },
    )
  })
})

test('without a search service, search is not implemented', async () => {
  const world = await new World().start()
  for (const nsid of [POSTS, ACTORS, TYPEAHEAD] as const)
    assert.equal(await world.refused(nsid, { q: 'a' }), 'MethodNotImplemented')
  await world.close()
})
