import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import type { Nsid } from '#protocol/syntax'
import { createScene, HIDDEN, handlesOf, type Scene } from '../scene.test-support.ts'
import type { Person, Ref } from '../world.test-support.ts'

let scene: Scene
beforeEach(async () => {
  scene = await createScene()
})
afterEach(() => scene.world.close())

const LISTS: [Nsid, string][] = [
  ['app.bsky.actor.getSuggestions', 'actors'],
  ['app.bsky.unspecced.getSuggestedUsers', 'actors'],
  ['app.bsky.unspecced.getSuggestedUsersForDiscover', 'actors'],
  ['app.bsky.unspecced.getSuggestedUsersForExplore', 'actors'],
  ['app.bsky.unspecced.getSuggestedUsersForSeeMore', 'actors'],
  ['app.bsky.unspecced.getSuggestedOnboardingUsers', 'actors'],
]

/** What is worked out is said again for some minutes. */
const later = () => scene.world.outside.advance(11 * 60_000)

async function suggested(as?: Person, params: object = {}): Promise<string[]> {
  await scene.world.settle()
  await later()
  const page = await scene.world.get('app.bsky.actor.getSuggestions', params as never, as)
  return handlesOf(page.actors)
}

async function member(name: string): Promise<Person> {
  const person = scene.world.person(name)
  person.profile({ displayName: name })
  await scene.world.settle()
  return person
}

test('those whom most of one’s follows follow are suggested first', async () => {
  const { alice, bob, carol, stranger } = scene
  const far = await member('far')
  const near = await member('near')
  const famous = await member('famous')
  bob.follow(near)
  carol.follow(near)
  carol.follow(far)
  for (const person of [stranger, far, near]) person.follow(famous)
  assert.deepEqual(await suggested(alice), ['near.test', 'far.test', 'famous.test'])
})

test('nobody is suggested who is followed, blocked, muted, hidden, or does not want to be', async () => {
  const { world, alice, bob, carol, blake, brook, gone, stranger } = scene
  const [shy, dull, good] = [await member('shy'), await member('dull'), await member('good')]
  for (const person of [blake, brook, gone, shy, dull, good, carol, alice]) bob.follow(person)
  carol.follow(good)
  const wish = { hideFromAlgorithmicRecommendations: true }
  shy.create('app.bsky.actor.contentVisibilityDeclaration', wish, 'self')
  await world.post('app.bsky.graph.muteActor', { actor: dull.did }, alice)
  await world.settle()
  const found = await suggested(alice)
  assert.deepEqual(found, ['good.test'])
  for (const handle of HIDDEN) assert.ok(!found.includes(handle))
  assert.ok(!(await suggested(stranger)).includes('shy.test'))
})

test('nobody in particular is suggested those with most followers', async () => {
  const { bob, carol, stranger } = scene
  stranger.follow(carol)
  bob.follow(carol)
  const found = await suggested()
  assert.deepEqual(found.slice(0, 2), ['bob.test', 'carol.test'])
})

test('the pages of suggestions follow each other without gaps', async () => {
  const { world, alice, bob } = scene
  for (const name of ['one', 'two', 'three', 'four', 'five']) bob.follow(await member(name))
  const all = await suggested(alice)
  assert.equal(all.length, 5)
  const pages: string[] = []
  let cursor: string | undefined
  do {
    const params = { limit: 2, ...(cursor && { cursor }) }
    const page = await world.get('app.bsky.actor.getSuggestions', params, alice)
    pages.push(...handlesOf(page.actors))
    cursor = page.cursor
  } while (cursor)
  assert.deepEqual(pages, all)
})

test('every list of people suggests the same, as far as was asked for', async () => {
  const { world, alice, bob } = scene
  for (const name of ['one', 'two', 'three']) bob.follow(await member(name))
  await world.settle()
  for (const [nsid, name] of LISTS) {
    const page = await world.get(nsid, { limit: 2 }, alice)
    assert.equal(page[name].length, 2, nsid)
  }
})

test('people like an account are those whom its followers follow too', async () => {
  const { world, alice, bob, carol, stranger } = scene
  const like = await member('like')
  carol.follow(like)
  stranger.follow(like)
  await world.settle()
  const params = { actor: bob.did }
  const { suggestions } = await world.get(
    'app.bsky.graph.getSuggestedFollowsByActor',
    params,
    alice,
  )
  assert.deepEqual(handlesOf(suggestions), ['like.test'])
})

test('feeds that most people like come first, page by page, or those with some words', async () => {
  const { world, alice, bob, carol, stranger } = scene
  const make = (displayName: string, by = bob) =>
    by.create('app.bsky.feed.generator', { did: bob.did, displayName, createdAt: bob.now })
  const feeds: Ref[] = [make('Springs'), make('Wells'), make('Rivers'), make('Hidden', scene.blake)]
  await world.settle()
  for (const person of [carol, stranger, alice]) person.like(feeds[1]!)
  carol.like(feeds[2]!)
  await world.settle()
  const nsid = 'app.bsky.unspecced.getPopularFeedGenerators'
  const names = async (params: object = {}) => {
    const found: string[] = []
    let cursor: string | undefined
    do {
      const page = await world.get(nsid, { ...params, ...(cursor && { cursor }) } as never, alice)
      found.push(...page.feeds.map(({ displayName }: { displayName: string }) => displayName))
      cursor = page.cursor
    } while (cursor)
    return found
  }
  assert.deepEqual(await names(), ['Wells', 'Rivers', 'Springs'])
  assert.deepEqual(await names({ limit: 1 }), ['Wells', 'Rivers', 'Springs'])
  assert.deepEqual(await names({ query: 'wELL' }), ['Wells'])
  assert.deepEqual(await names({ query: 's', limit: 1 }), ['Wells', 'Rivers', 'Springs'])
  const few = await world.get('app.bsky.unspecced.getSuggestedFeeds', { limit: 1 }, alice)
  assert.deepEqual([few.feeds[0].likeCount, few.feeds[0].viewer.like !== undefined], [3, true])
  const { suggestions } = await world.get('app.bsky.unspecced.getTaggedSuggestions', {}, alice)
  const subjects: string[] = suggestions.map(({ subject }: { subject: string }) => subject)
  assert.equal(subjects[0], feeds[1]!.uri)
  assert.ok(subjects.includes(bob.did))
  bob.delete(feeds[1]!)
  await world.settle()
  assert.deepEqual(await names(), ['Rivers', 'Springs'])
})

test('starter packs by which most people came come first', async () => {
  const { world, bob, carol, alice } = scene
  const make = (by: Person, name: string) => {
    const { now: createdAt } = by
    const purpose = 'app.bsky.graph.defs#referencelist'
    const list = by.create('app.bsky.graph.list', { name, purpose, createdAt })
    return by.create('app.bsky.graph.starterpack', { name, list: list.uri, createdAt })
  }
  make(bob, 'unused')
  const used = make(carol, 'used')
  const comer = world.person('comer')
  comer.profile({ joinedViaStarterPack: used })
  await world.settle()
  for (const name of ['getSuggestedStarterPacks', 'getOnboardingSuggestedStarterPacks']) {
    const { starterPacks } = await world.get(`app.bsky.unspecced.${name}`, {}, alice)
    const names = starterPacks.map(({ record }: { record: { name: string } }) => record.name)
    assert.deepEqual(names, ['used', 'unused'])
  }
})

test('a trend is a tag that several people used today, most and latest first', async () => {
  const { world, alice, bob, carol, stranger, blake } = scene
  const facet = (tag: string) => ({
    facets: [
      {
        index: { byteStart: 0, byteEnd: 1 },
        features: [{ $type: 'app.bsky.richtext.facet#tag', tag }],
      },
    ],
  })
  const first = bob.post('one', { tags: ['نزوى'] })
  carol.post('two', { tags: ['نزوى'] })
  for (const person of [bob, carol, stranger, blake]) person.post('rain', facet('Rain'))
  bob.post('alone', { tags: ['alone'] })
  bob.post('alone again', { tags: ['alone'] })
  await world.settle()
  const trends = async (as?: Person) =>
    (await world.get('app.bsky.unspecced.getTrends', {}, as)).trends
  const found = await trends(alice)
  assert.deepEqual(
    found.map(({ topic, postCount }: { topic: string; postCount: number }) => [topic, postCount]),
    [
      ['rain', 4],
      ['نزوى', 2],
    ],
  )
  assert.deepEqual(handlesOf(found[0].actors).sort(), ['bob.test', 'carol.test', 'stranger.test'])
  assert.equal(found[1].link, `/hashtag/${encodeURIComponent('نزوى')}`)
  const topics = await world.get('app.bsky.unspecced.getTrendingTopics', { limit: 1 })
  assert.deepEqual([topics.topics[0].topic, topics.suggested[0].topic], ['rain', 'نزوى'])
  bob.delete(first)
  await world.settle()
  await world.outside.advance(6 * 60_000)
  assert.deepEqual((await trends()).length, 1)
  await world.outside.advance(25 * 60 * 60_000)
  assert.deepEqual(await trends(), [])
})

test('clients are told at once what they need not ask for', async () => {
  assert.deepEqual(await scene.world.get('app.bsky.unspecced.getConfig'), {
    checkEmailConfirmed: false,
    liveNow: [],
  })
})
