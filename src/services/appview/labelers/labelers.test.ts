import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { generateKey } from '#protocol/crypto'
import { signLabel } from '#protocol/label'
import { type Person, type Ref, World } from '../world.test-support.ts'
import { settleLabels, TestLabeler } from './labeler.test-support.ts'

let world: World
let own: TestLabeler
let other: TestLabeler
let ann: Person
let bob: Person
let post: Ref
beforeEach(async () => {
  const config: { labelers: string[] } = { labelers: ['did:plc:ours22222222222222222222'] }
  world = new World({ config })
  own = new TestLabeler(world, 'ours')
  other = new TestLabeler(world, 'other')
  await world.start()
  ann = await world.member('ann')
  bob = await world.member('bob')
  post = bob.post('hello')
  await world.settle()
})
afterEach(() => world.close())

const judged = (labeler: TestLabeler, of = world) => settleLabels(labeler, of)
const verdicts = (verdict: string) => world.metrics.value('appview_labels', verdict)

async function ask(labelers?: string, as: Person | undefined = ann) {
  const params = { uris: [post.uri] }
  const response = await world.call('GET', 'app.bsky.feed.getPosts', { params, as, labelers })
  const [view] = JSON.parse(response.body as string).posts
  return {
    view,
    labels: view?.labels.map(({ val }: { val: string }) => val),
    author: view?.author.labels.map(({ val }: { val: string }) => val),
    header: response.headers?.['atproto-content-labelers'],
  }
}

describe('labels of our own labelers', () => {
  test('are shown to everybody who names no others, with their signature', async () => {
    own.say(post.uri, 'spam')
    own.say(bob.did, 'rude')
    await judged(own)
    for (const as of [ann, undefined]) {
      const { view, labels, author, header } = await ask(undefined, as)
      assert.deepEqual([labels, author, header], [['spam'], ['rude'], `${own.did};redact`])
      assert.ok(view.labels[0].sig.$bytes)
    }
    const profile = await world.get('app.bsky.actor.getProfile', { actor: bob.did })
    assert.equal(profile.labels[0].val, 'rude')
    const timeline = await world.get('app.bsky.feed.getAuthorFeed', { actor: bob.did })
    assert.equal(timeline.feed[0].post.labels[0].val, 'spam')
  })

  test('are read within seconds once the directory answers, however long it did not', async () => {
    const late = new World({ config: { labelers: [own.did] } })
    try {
      const labeler = new TestLabeler(late, 'ours')
      late.isDirectoryDown = true
      await late.start()
      for (let second = 0; second < 70; second++) await late.outside.advance(1_000)
      late.isDirectoryDown = false
      labeler.say(post.uri, 'spam')
      for (let second = 0; second < 6; second++) await late.outside.advance(1_000)
      await judged(labeler, late)
    } finally {
      await late.close()
    }
  })

  test('stand beside those that the author put', async () => {
    const values = [{ val: 'porn' }]
    const labels = { $type: 'com.atproto.label.defs#selfLabels', values }
    post = bob.post('labelled', { labels })
    await world.settle()
    own.say(post.uri, 'spam')
    await judged(own)
    assert.deepEqual((await ask()).labels, ['porn', 'spam'])
  })

  test('go when they are taken back or expire, and speak of one version', async () => {
    own.say(post.uri, 'spam')
    own.say(post.uri, 'brief', { exp: new Date(world.outside.now() + 60_000).toISOString() })
    own.say(post.uri, 'older', {
      cid: 'bafyreihqhqv7h4x5gc54fpnfs2dp6kvhnlpiqkh2s2vt2ql7pcyyk2xb4i',
    })
    own.say(post.uri, 'this', { cid: post.cid })
    await judged(own)
    assert.deepEqual((await ask()).labels, ['brief', 'spam', 'this'])
    own.say(post.uri, 'spam', { neg: true })
    await judged(own)
    await world.outside.advance(60_000)
    assert.deepEqual((await ask()).labels, ['this'])
  })

  test('hide what they take down from everybody, until they take it back', async () => {
    own.say(post.uri, '!takedown')
    await judged(own)
    assert.equal((await ask()).view, undefined)
    assert.equal((await ask(other.did)).view, undefined)
    own.say(post.uri, '!takedown', { neg: true })
    own.say(bob.did, '!takedown')
    await judged(own)
    assert.equal((await ask()).view, undefined)
    assert.equal(
      await world.refused('app.bsky.actor.getProfile', { actor: bob.did }),
      'InvalidRequest',
    )
    own.say(bob.did, '!takedown', { neg: true })
    await judged(own)
    assert.equal((await ask()).view.record.text, 'hello')
  })
})

describe('words that mean something to the app view', () => {
  const feed = async (as?: Person) =>
    (await world.get('app.bsky.feed.getAuthorFeed', { actor: bob.did }, as)).feed
  const quotes = async (as?: Person) =>
    (await world.get('app.bsky.feed.getQuotes', { uri: post.uri }, as)).posts
  const thread = async (as?: Person) =>
    (await world.get('app.bsky.feed.getPostThread', { uri: post.uri }, as)).thread.replies

  test('`!hide` is handed on to clients wherever the thing is shown; nothing is left out for it', async () => {
    ann.follow(bob)
    const generator = { did: own.did, displayName: 'feed', createdAt: bob.now }
    const { uri } = bob.create('app.bsky.feed.generator', generator)
    const list = bob.create('app.bsky.graph.list', {
      ...{ name: 'list', createdAt: bob.now },
      purpose: 'app.bsky.graph.defs#curatelist',
    })
    await world.settle()
    for (const subject of [post.uri, bob.did, uri, list.uri]) own.say(subject, '!hide')
    await judged(own)
    const hidden = (view: { labels: { val: string }[] }) => {
      assert.deepEqual(
        view.labels.map(({ val }) => val),
        ['!hide'],
      )
    }
    for (const as of [ann, undefined]) {
      const [item] = await feed(as)
      hidden(item.post)
      hidden(item.post.author)
      const { feeds } = await world.get('app.bsky.feed.getActorFeeds', { actor: bob.did }, as)
      hidden(feeds[0])
      hidden((await world.get('app.bsky.graph.getLists', { actor: bob.did }, as)).lists[0])
    }
    const { feed: timeline } = await world.get('app.bsky.feed.getTimeline', {}, ann)
    hidden(timeline[0].post)
    hidden((await world.get('app.bsky.graph.getFollows', { actor: ann.did })).follows[0])
  })

  test('what our labelers take down for a while is as gone as for good', async () => {
    own.say(bob.did, '!suspend')
    other.say(ann.did, '!suspend')
    await judged(own)
    await ask(other.did)
    await judged(other)
    assert.equal((await ask()).view, undefined)
    await world.refused('app.bsky.actor.getProfile', { actor: bob.did }, ann)
    await world.get('app.bsky.actor.getProfile', { actor: ann.did }, bob)
    own.say(bob.did, '!suspend', { neg: true })
    await judged(own)
    assert.ok((await ask()).view)
  })

  test('a feed that is taken down is listed no more', async () => {
    const generator = { did: own.did, displayName: 'feed', createdAt: bob.now }
    const { uri } = bob.create('app.bsky.feed.generator', generator)
    await world.settle()
    own.say(uri, '!takedown')
    await judged(own)
    const { feeds } = await world.get('app.bsky.feed.getActorFeeds', { actor: bob.did })
    assert.deepEqual(feeds, [])
  })

  test('what is under review is seen by who follows its author, and not among replies, quotes and notices of others', async () => {
    const cat = await world.member('cat')
    const answer = cat.reply(post, 'answer')
    const quote = cat.quote(post, 'quote')
    await world.settle()
    own.say(answer.uri, 'needs-review')
    own.say(quote.uri, 'needs-review')
    await judged(own)
    const told = async () =>
      (await world.get('app.bsky.notification.listNotifications', {}, bob)).notifications
    const unread = async () =>
      (await world.get('app.bsky.notification.getUnreadCount', {}, bob)).count
    const flat = async (as?: Person) =>
      (await world.get('app.bsky.unspecced.getPostThreadV2', { anchor: post.uri }, as)).thread
    for (const as of [undefined, ann, bob]) {
      assert.deepEqual([await quotes(as), await thread(as)], [[], []])
      assert.equal((await flat(as)).length, 1)
    }
    assert.deepEqual([await told(), await unread()], [[], 0])
    assert.equal((await thread(cat)).length, 1, 'to its author it is')
    bob.follow(cat)
    await world.settle()
    assert.deepEqual([(await quotes(bob)).length, (await thread(bob)).length], [1, 1])
    assert.deepEqual([(await told()).length, await unread()], [2, 2])
    assert.deepEqual((await thread(bob))[0].post.labels, [], 'clients are not told')
    own.say(cat.did, 'needs-review')
    own.say(quote.uri, 'needs-review', { neg: true })
    await judged(own)
    assert.deepEqual(await quotes(ann), [], 'an account is under review with all it says')
  })

  test('whoever is held to be somebody else is verified no more, whatever verifiers say', async () => {
    const trusting = new World({ config: { labelers: [own.did], verifiers: [ann.did] } })
    try {
      const labeler = new TestLabeler(trusting, 'ours')
      await trusting.start()
      const [verifier, subject] = [await trusting.member('ann'), await trusting.member('bob')]
      verifier.create('app.bsky.graph.verification', {
        ...{ subject: subject.did, handle: subject.handle, displayName: 'BOB' },
        createdAt: verifier.now,
      })
      await trusting.settle()
      const statuses = async ({ did }: Person) => {
        const { verification } = await trusting.get('app.bsky.actor.getProfile', { actor: did })
        return [verification.verifiedStatus, verification.trustedVerifierStatus]
      }
      assert.deepEqual(await statuses(subject), ['valid', 'none'])
      for (const { did } of [verifier, subject]) labeler.say(did, 'impersonation')
      await judged(labeler, trusting)
      assert.deepEqual(await statuses(subject), ['invalid', 'none'])
      assert.deepEqual(await statuses(verifier), ['none', 'invalid'])
    } finally {
      await trusting.close()
    }
  })
})

describe('labelers that a caller names', () => {
  test('are followed from then on, and shown to those who name them', async () => {
    other.say(post.uri, 'funny')
    await ask(`${other.did}, did:plc:nobody`)
    await judged(other)
    const { labels, header } = await ask(`${other.did}, did:plc:nobody`)
    assert.deepEqual([labels, header], [['funny'], other.did])
    assert.deepEqual((await ask(other.did, undefined)).labels, ['funny'])
    assert.deepEqual((await ask()).labels, [])
    other.say(post.uri, '!takedown')
    await judged(other)
    assert.deepEqual((await ask(other.did)).labels, ['!takedown', 'funny'])
    assert.equal((await ask(`${other.did};redact`)).view, undefined)
  })

  test('are read on from where they were after a restart', async () => {
    await ask(other.did)
    other.say(post.uri, 'one')
    await judged(other)
    await world.stop()
    other.say(post.uri, 'two')
    await world.start()
    await ask(other.did)
    await judged(other)
    assert.deepEqual((await ask(other.did)).labels, ['one', 'two'])
    assert.equal(verdicts('applied'), 1)
  })
})

describe('what a labeler says of itself', () => {
  const value = {
    $type: 'app.bsky.labeler.service',
    policies: { labelValues: ['spam'] },
    createdAt: '2026-01-01T00:00:00.000Z',
  }
  const services = (dids: string[], detailed = true) =>
    world.get('app.bsky.labeler.getServices', { dids, detailed })

  test('is read from its repository', async () => {
    bob.create('app.bsky.labeler.service', value, 'self')
    await world.settle()
    const { views } = await services([bob.did, ann.did])
    assert.equal(views.length, 1)
    assert.equal(views[0].creator.handle, 'bob.test')
    assert.deepEqual(views[0].policies, value.policies)
    const [short] = (await services([bob.did], false)).views
    assert.deepEqual(
      [short.$type, short.policies],
      ['app.bsky.labeler.defs#labelerView', undefined],
    )
  })

  test('comes with who likes it and what others say of it, and goes when it is taken down', async () => {
    const values = [{ val: 'porn' }]
    const labels = { $type: 'com.atproto.label.defs#selfLabels', values }
    const service = bob.create('app.bsky.labeler.service', { ...value, labels }, 'self')
    const like = ann.like(service)
    const quote = ann.quote(service, 'look')
    await world.settle()
    own.say(service.uri, 'spam')
    await judged(own)
    const seen = async (as?: Person) =>
      (await world.get('app.bsky.labeler.getServices', { dids: [bob.did] }, as)).views[0]
    const embedded = async () =>
      (await world.get('app.bsky.feed.getPosts', { uris: [quote.uri] }, ann)).posts[0].embed.record
    for (const view of [await seen(ann), await embedded()]) {
      assert.deepEqual([view.likeCount, view.viewer], [1, { like: like.uri }])
      assert.deepEqual(
        view.labels.map(({ val }: { val: string }) => val),
        ['porn', 'spam'],
      )
    }
    assert.equal((await seen()).viewer, undefined)
    ann.delete(like)
    await world.settle()
    assert.deepEqual([(await seen(ann)).likeCount, (await seen(ann)).viewer], [0, {}])
    own.say(service.uri, '!takedown')
    await judged(own)
    assert.equal(await seen(ann), undefined)
    assert.equal((await embedded()).notFound, true)
  })

  test('is asked of our own labeler, when it has no repository', async () => {
    let asked = 0
    const { cid } = post
    world.serve('http://ours.test', () => {
      asked++
      return { status: 200, body: JSON.stringify({ uri: 'at://x', cid, value }) }
    })
    for (let i = 0; i < 2; i++) {
      const { views } = await services([own.did, other.did])
      assert.deepEqual(
        views.map((view: { creator: { did: string } }) => view.creator.did),
        [own.did],
      )
    }
    assert.equal(asked, 1)
  })

  test('is left out when it is nonsense', async () => {
    world.serve('http://ours.test', () => ({ status: 200, body: '{"cid":"x","value":{}}' }))
    assert.deepEqual((await services([own.did])).views, [])
  })
})

describe('a labeler that lies', () => {
  test('is not believed: forged, changed, foreign and malformed labels are counted', async () => {
    const forger = generateKey('k256', world.outside.random)
    const claim = { src: own.did, uri: post.uri, val: 'forged', cts: '2026-01-01T00:00:00.000Z' }
    own.send(signLabel(claim, forger))
    own.send({ ...own.claim(post.uri, 'spam'), val: 'changed' })
    own.send(signLabel({ ...claim, src: other.did, val: 'foreign' }, own.key))
    own.send({ ver: 1 }, 'nonsense', null)
    own.stream.emitRaw(Uint8Array.of(1, 2, 3))
    own.say(post.uri, 'true')
    await judged(own)
    assert.deepEqual((await ask()).labels, ['true'])
    assert.deepEqual(
      ['bad-signature', 'foreign-source', 'malformed', 'applied'].map(verdicts),
      [2, 1, 4, 1],
    )
  })

  test('and one that has a new key is believed', async () => {
    own.say(post.uri, 'old')
    await judged(own)
    own.key = generateKey('p256', world.outside.random)
    own.publish()
    own.say(post.uri, 'new')
    await judged(own)
    assert.deepEqual((await ask()).labels, ['new', 'old'])
  })
})
