import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { AtpAgent } from '@atproto/api'
import { ensureServiceIdentity } from '#protocol/identity'
import { eventually, type Network, startNetwork } from '../rig.ts'

/** A picture as an embed of a post. */
const picture = async (agent: AtpAgent) => {
  const { data } = await agent.uploadBlob(new Uint8Array([1, 2, 3]), { encoding: 'image/png' })
  return { $type: 'app.bsky.embed.images', images: [{ image: data.blob, alt: 'water' }] }
}

describe('feeds', () => {
  let network: Network
  let alice: AtpAgent
  let bob: AtpAgent
  let cem: AtpAgent
  const posts: Record<string, { uri: string; cid: string }> = {}

  const join = async (handle: string, host: number) => {
    const agent = new AtpAgent({ service: network.pds[host]!.url })
    await agent.createAccount({ handle, email: `${handle}@example.com`, password: 'password' })
    return agent
  }
  const feedNamed = (rkey: string) => network.feeds.uris!.find((uri) => uri.endsWith(`/${rkey}`))!
  const shown = async (agent: AtpAgent, feed: string) => {
    const { data } = await agent.app.bsky.feed.getFeed({ feed })
    return data.feed.map((item) => (item.post.record as { text: string }).text)
  }

  before(async () => {
    network = await startNetwork('--pds', '2')
    alice = await join('alice.test', 0)
    bob = await join('bob.two.test', 1)
    cem = await join('cem.test', 0)
    // alice follows bob, bob follows cem: cem is near alice.
    await alice.follow(bob.assertDid)
    await bob.follow(cem.assertDid)
    posts.bob = await bob.post({ text: 'from bob' })
    posts.cem = await cem.post({ text: 'from cem', embed: await picture(cem) })
    posts.alice = await alice.post({ text: 'from alice' })
    await alice.like(posts.cem.uri, posts.cem.cid)
    await bob.like(posts.cem.uri, posts.cem.cid)
    await cem.like(posts.bob.uri, posts.bob.cid)
  })
  after(() => network?.stop())

  test('are published on start, and found with their descriptions in both languages', async () => {
    await eventually('their records', async () => network.feeds.uris?.length === 3)
    const { data } = await eventually('the feeds in the view', async () => {
      const answer = await alice.app.bsky.feed.getFeedGenerators({ feeds: network.feeds.uris! })
      return answer.data.feeds.length === 3 ? answer : undefined
    })
    for (const { did, displayName, description } of data.feeds) {
      assert.equal(did, network.feeds.did)
      assert.match(displayName, /[؀-ۿ].*[a-zA-Z]/)
      assert.match(description ?? '', /[؀-ۿ][\s\S]*[a-zA-Z]/)
    }
    const one = await alice.app.bsky.feed.getFeedGenerator({ feed: feedNamed('liked') })
    assert.equal(one.data.isOnline, true)
    const suggested = await alice.app.bsky.feed.getSuggestedFeeds()
    assert.equal(suggested.data.feeds.length, 3)
  })

  test('near you shows whom you follow and whom they follow', async () => {
    await eventually('both posts', async () => {
      const texts = await shown(alice, feedNamed('network'))
      return texts.includes('from bob') && texts.includes('from cem')
    })
    assert.ok(!(await shown(alice, feedNamed('network'))).includes('from alice'))
    assert.deepEqual(await shown(cem, feedNamed('network')), [])
  })

  test('liked today puts what more people like first', async () => {
    await eventually('the order', async () => {
      const [first, second] = await shown(bob, feedNamed('liked'))
      return first === 'from cem' && second === 'from bob'
    })
  })

  test('photos shows pictures only, and loses what is deleted', async () => {
    await eventually('the picture', async () => {
      const texts = await shown(bob, feedNamed('photos'))
      return texts.length === 1 && texts[0] === 'from cem'
    })
    await cem.deletePost(posts.cem!.uri)
    await eventually('its absence', async () => {
      return (await shown(bob, feedNamed('photos'))).length === 0
    })
  })

  test('a feed that nobody publishes is unknown', async () => {
    const feed = `at://${alice.assertDid}/app.bsky.feed.generator/none`
    await assert.rejects(alice.app.bsky.feed.getFeed({ feed }), { error: 'UnknownFeed' })
  })

  describe('of a stranger', () => {
    let server: Server
    let feed: string
    let answer: (
      authorization: string | undefined,
    ) => { status?: number; headers?: Record<string, string>; body: string } | undefined
    let asked: string[] = []

    before(async () => {
      server = createServer((request, response) => {
        asked.push(request.headers.authorization ?? '')
        const given = answer(request.headers.authorization)
        // Undefined: says nothing, ever.
        if (given) response.writeHead(given.status ?? 200, given.headers).end(given.body)
      })
      await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
      const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      const { did } = await ensureServiceIdentity({
        plcUrl: network.plc.url,
        fetch,
        endpoint,
        serviceId: '#bsky_fg',
        serviceType: 'BskyFeedGenerator',
        random: (count) => crypto.getRandomValues(new Uint8Array(count)),
      })
      const { data } = await bob.com.atproto.repo.putRecord({
        repo: bob.assertDid,
        collection: 'app.bsky.feed.generator',
        rkey: 'mine',
        record: { did, displayName: 'Mine', createdAt: new Date().toISOString() },
      })
      feed = data.uri
      await eventually('the feed in the view', async () => {
        const { data } = await bob.app.bsky.feed.getActorFeeds({ actor: bob.assertDid })
        return data.feeds.length === 1
      })
    })
    after(() => {
      server.closeAllConnections()
      server.close()
    })

    const items = (...uris: string[]) => ({
      body: JSON.stringify({ feed: uris.map((post) => ({ post })) }),
    })

    test('works like our own, and is told who looks', async () => {
      asked = []
      answer = () => items(posts.alice!.uri, posts.bob!.uri)
      assert.deepEqual(await shown(alice, feed), ['from alice', 'from bob'])
      const claims = JSON.parse(atob(asked[0]!.split('.')[1]!))
      assert.equal(claims.iss, alice.assertDid)
      assert.equal(claims.lxm, 'app.bsky.feed.getFeedSkeleton')
    })

    test('cannot show what is not there, what is no post, or one post twice', async () => {
      const unknown = `at://${bob.assertDid}/app.bsky.feed.post/3aaaaaaaaaaaa`
      const profile = `at://${bob.assertDid}/app.bsky.actor.profile/self`
      const nonsense = ['nonsense', '', 'https://example.com']
      const { uri } = posts.alice!
      answer = () => items(...nonsense, unknown, profile, uri, uri)
      assert.deepEqual(await shown(alice, feed), ['from alice'])
    })

    test('may say why, in its own words, which are handed on as they are', async () => {
      const context = 'because: "quoted" \u2028 و'
      const [first, second] = [posts.alice!.uri, posts.bob!.uri]
      const feedOf = [
        { post: first, feedContext: context },
        { post: second, feedContext: 'x'.repeat(3_000) },
      ]
      answer = () => ({ body: JSON.stringify({ feed: feedOf }) })
      const { data } = await alice.app.bsky.feed.getFeed({ feed })
      assert.deepEqual(
        data.feed.map((item) => item.feedContext),
        [context, undefined],
      )
    })

    test('may name the repost that is why; one of another post, or none, hides the item', async () => {
      const { uri } = await cem.repost(posts.bob!.uri, posts.bob!.cid)
      const because = (repost: string) => ({
        reason: { $type: 'app.bsky.feed.defs#skeletonReasonRepost', repost },
      })
      const none = `at://${cem.assertDid}/app.bsky.feed.repost/3aaaaaaaaaaaa`
      const feedOf = [
        { post: posts.bob!.uri, ...because(uri), feedContext: 'a friend of yours' },
        { post: posts.alice!.uri, ...because(uri) },
        { post: posts.alice!.uri, reason: { $type: 'app.bsky.feed.defs#skeletonReasonPin' } },
        { post: posts.bob!.uri, ...because(none) },
        { post: posts.bob!.uri, ...because(posts.alice!.uri) },
      ]
      answer = () => ({ body: JSON.stringify({ feed: feedOf }) })
      const [item, pinned] = await eventually('the repost in the view', async () => {
        const { data } = await alice.app.bsky.feed.getFeed({ feed })
        return data.feed.length === 2 ? data.feed : undefined
      })
      assert.equal(pinned!.reason?.$type, 'app.bsky.feed.defs#reasonPin')
      const reason = item!.reason as { $type: string; by: { did: string }; uri: string }
      assert.equal(reason.$type, 'app.bsky.feed.defs#reasonRepost')
      assert.deepEqual([reason.by.did, reason.uri], [cem.assertDid, uri])
      assert.equal(item!.post.uri, posts.bob!.uri)
      assert.equal(item!.feedContext, 'a friend of yours')
    })

    test('that answers garbage, too much, an error or nothing is told of in words', async () => {
      const failing = [
        { body: 'no json' },
        { body: '{"feed":7}' },
        { body: JSON.stringify({ feed: Array(100_000).fill({ post: posts.alice!.uri }) }) },
        { body: '[]' },
        { body: 'null' },
        { status: 500, body: '{}' },
        { status: 404, body: '<html>' },
        { status: 302, headers: { location: network.pds[0]!.url }, body: '' },
      ]
      for (const given of failing) {
        answer = () => given
        await assert.rejects(shown(alice, feed), { status: 502, error: 'UpstreamFailure' })
      }
      answer = () => undefined
      await assert.rejects(shown(alice, feed), (error: { status: number; message: string }) => {
        assert.equal(error.status, 504)
        assert.match(error.message, /did:plc:/)
        return true
      })
      answer = () => ({ status: 400, body: '{"error":"UnknownFeed","message":"gone"}' })
      await assert.rejects(shown(alice, feed), { error: 'UnknownFeed' })
    })

    test('that says its answer bit by bit and never ends is given up, and nothing else waits', async () => {
      server.once('request', (_request, response) => {
        const drip = setInterval(() => response.write(' '), 100)
        response.on('close', () => clearInterval(drip))
      })
      answer = () => undefined
      const waiting = assert.rejects(shown(alice, feed), { status: 504, error: 'UpstreamTimeout' })
      assert.ok((await alice.getTimeline()).data.feed.length > 0)
      await waiting
    })

    test('gives no more than was asked for, and no cursor that is none', async () => {
      const known = [posts.alice!.uri, posts.bob!.uri]
      const unknown = Array.from(
        { length: 1_000 },
        (_, i) => `at://${bob.assertDid}/app.bsky.feed.post/3aaaaaaaa${1_000 + i}`,
      )
      answer = () => items(...known, ...unknown)
      const { data } = await alice.app.bsky.feed.getFeed({ feed, limit: 100 })
      assert.deepEqual(
        data.feed.map(({ post }) => post.uri),
        known,
      )
      for (const cursor of [7, {}, [], null, true, '', 'x'.repeat(3_000)]) {
        answer = () => ({ body: JSON.stringify({ feed: [{ post: known[0] }], cursor }) })
        const page = await alice.app.bsky.feed.getFeed({ feed, limit: 1 })
        assert.equal(page.data.feed.length, 1)
        assert.equal(page.data.cursor, undefined)
      }
      const odd = [7, null, 'x', [], {}, { post: 7 }, { post: known[0], reason: 7 }]
      answer = () => ({ body: JSON.stringify({ feed: odd }) })
      assert.deepEqual(await shown(alice, feed), ['from alice'])
    })

    test('that never shows anything and always has more is not asked for ever', async () => {
      asked = []
      answer = () => ({ body: JSON.stringify({ feed: [], cursor: 'more' }) })
      const { data } = await alice.app.bsky.feed.getFeed({ feed })
      assert.deepEqual(data.feed, [])
      assert.equal(data.cursor, 'more')
      assert.equal(asked.length, 2)
    })

    test('does not show who is blocked', async () => {
      const { bsky } = bob.app
      const record = { subject: alice.assertDid, createdAt: new Date().toISOString() }
      const { uri } = await bsky.graph.block.create({ repo: bob.assertDid }, record)
      answer = () => items(posts.alice!.uri, posts.bob!.uri)
      await eventually('her absence', async () => (await shown(bob, feed)).join() === 'from bob')
      const rkey = uri.split('/').at(-1)!
      await bsky.graph.block.delete({ repo: bob.assertDid, rkey })
      await eventually('her return', async () => (await shown(bob, feed)).length === 2)
    })

    test('is said to be away when it is, and here when it answers', async () => {
      const standing = async () => {
        const { data } = await alice.app.bsky.feed.getFeedGenerator({ feed })
        return [data.isOnline, data.isValid]
      }
      answer = () => ({ body: JSON.stringify({ did: 'did:web:x', feeds: [{ uri: feed }] }) })
      assert.deepEqual(await standing(), [true, true])
      answer = () => ({ body: JSON.stringify({ did: 'did:web:x', feeds: [null, {}, 7] }) })
      assert.deepEqual(await standing(), [true, false])
      answer = () => ({ status: 404, body: 'not here' })
      assert.deepEqual(await standing(), [true, true])
      answer = () => ({ status: 503, body: '' })
      assert.deepEqual(await standing(), [false, false])
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
      assert.deepEqual(await standing(), [false, false])
      await assert.rejects(shown(alice, feed), { status: 502, error: 'UpstreamFailure' })
    })
  })
})
