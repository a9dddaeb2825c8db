/** Asks an app view everything, and compares its answers with the oracle's. */
import assert from 'node:assert/strict'
import type { Nsid } from '#protocol/syntax'
import type { Person, World } from '../world.test-support.ts'
import { POST } from './facts.test-support.ts'
import type { History } from './history.test-support.ts'
import { Oracle, type Shape } from './oracle.test-support.ts'

// biome-ignore lint/suspicious/noExplicitAny: answers of every sort
type Answer = any
const typeOf = ({ $type }: { $type: string }) => $type.split('#')[1]!
const handles = (list: Answer[]) => list.map((one) => one.did)

/** Reads a list to its end, in small pages. */
async function all(
  world: World,
  nsid: Nsid,
  params: Record<string, string | number>,
  { as, list, limit = 7 }: { as: Person | undefined; list: string; limit?: number },
): Promise<Answer[]> {
  const items: Answer[] = []
  for (let cursor: string | undefined = ''; cursor !== undefined; ) {
    const page: Answer = await world.get(nsid, { ...params, limit, ...(cursor && { cursor }) }, as)
    items.push(...page[list])
    cursor = page.cursor
  }
  return items
}

function feedItem({ post, reason, reply }: Answer): string {
  const by = reason ? ` by ${reason.by.did}` : ''
  return `${post.uri}${by}${reply ? ` to ${typeOf(reply.parent)} in ${typeOf(reply.root)}` : ''}`
}

function shapeOf(node: Answer): Shape {
  if (node.post === undefined) return typeOf(node)
  const { text } = node.post.record
  const replies = (node.replies ?? []).map(shapeOf)
  return { text, replies, ...(node.parent && { parent: shapeOf(node.parent) }) }
}

function profileOf(answer: Answer, as: Person | undefined) {
  const { followersCount, followsCount, postsCount, handle, verification, labels, viewer } = answer
  const counts = {
    ...{ followers: followersCount, follows: followsCount, posts: postsCount, handle },
    verified: verification?.verifiedStatus,
    labels: labels.map(({ val }: Answer) => val),
  }
  if (as === undefined) return counts
  const { following, followedBy, blocking, blockedBy, muted } = viewer
  const has = (uri: unknown) => uri !== undefined
  return {
    ...counts,
    following: has(following),
    followedBy: has(followedBy),
    blocking: has(blocking),
    blockedBy,
    muted,
  }
}

function postOf(answer: Answer, as: Person | undefined) {
  const { likeCount, repostCount, replyCount, quoteCount, embed, viewer } = answer
  const counts = {
    likes: likeCount,
    reposts: repostCount,
    replies: replyCount,
    quotes: quoteCount,
    embed: embed && typeOf(embed.record),
    labels: answer.labels.map(({ val }: Answer) => val),
  }
  if (as === undefined) return counts
  return {
    ...counts,
    like: viewer.like !== undefined,
    repost: viewer.repost !== undefined,
    threadMuted: viewer.threadMuted,
    replyDisabled: viewer.replyDisabled ?? false,
    embeddingDisabled: viewer.embeddingDisabled,
  }
}

/** Every answer to everybody, and to nobody in particular. */
export async function compare(history: History): Promise<void> {
  const { world, facts, people } = history
  const oracle = new Oracle(facts)
  const readers = [undefined, ...people.filter((person) => facts.active(person.did))]
  // Of many posts the newest and some of the others: each has been new once.
  const posts = [...facts.everPosted.keys()]
  const asked = [...posts.slice(-12), ...posts.filter(() => history.draw(posts.length) < 8)]
  for (const as of readers) {
    for (const person of people) await comparePerson(world, oracle, person, as)
    for (const uri of new Set(asked)) await comparePost(world, oracle, uri, as)
    if (as !== undefined) await compareOwn(world, oracle, as)
  }
  assert.ok(facts.of(POST).length > 0)
}

async function comparePerson(world: World, oracle: Oracle, { did }: Person, as?: Person) {
  const reader = as?.did
  const note = `${did} to ${reader}`
  const profile = oracle.profile(reader, did)
  if (profile === undefined) await world.refused('app.bsky.actor.getProfile', { actor: did }, as)
  else {
    const answer = await world.get('app.bsky.actor.getProfile', { actor: did }, as)
    assert.deepEqual(profileOf(answer, as), profile, `profile of ${note}`)
    const followers = await all(
      world,
      'app.bsky.graph.getFollowers',
      { actor: did },
      { as, list: 'followers' },
    )
    assert.deepEqual(handles(followers), oracle.followers(reader, did), `followers of ${note}`)
    const follows = await all(
      world,
      'app.bsky.graph.getFollows',
      { actor: did },
      { as, list: 'follows' },
    )
    assert.deepEqual(handles(follows), oracle.follows(reader, did), `follows of ${note}`)
  }
  const packs = await all(
    world,
    'app.bsky.graph.getActorStarterPacks',
    { actor: did },
    { as, list: 'starterPacks', limit: 2 },
  )
  assert.deepEqual(
    packs.map(({ uri }) => uri),
    oracle.packs(reader, did),
    `packs of ${note}`,
  )
  for (const withReplies of [true, false]) {
    const filter = withReplies ? 'posts_with_replies' : 'posts_no_replies'
    const params = { actor: did, filter }
    const feed = oracle.authorFeed(reader, did, withReplies)
    if (feed === undefined) {
      assert.match(await world.refused('app.bsky.feed.getAuthorFeed', params, as), /Block/)
      continue
    }
    const answer = await all(world, 'app.bsky.feed.getAuthorFeed', params, { as, list: 'feed' })
    assert.deepEqual(answer.map(feedItem), feed, `${filter} of ${note}`)
  }
}

async function comparePost(world: World, oracle: Oracle, uri: string, as?: Person) {
  const reader = as?.did
  const note = `${uri} to ${reader}`
  const { posts } = await world.get('app.bsky.feed.getPosts', { uris: [uri] }, as)
  const post = oracle.post(reader, uri)
  assert.deepEqual(posts.length === 0 ? undefined : postOf(posts[0], as), post, note)
  const likes = await all(world, 'app.bsky.feed.getLikes', { uri }, { as, list: 'likes', limit: 2 })
  const likers = handles(likes.map((like) => like.actor))
  assert.deepEqual(likers, oracle.likers(reader, uri), `likes of ${note}`)
  const reposted = await all(
    world,
    'app.bsky.feed.getRepostedBy',
    { uri },
    { as, list: 'repostedBy' },
  )
  assert.deepEqual(handles(reposted), oracle.reposters(reader, uri), `reposts of ${note}`)
  const quotes = await all(
    world,
    'app.bsky.feed.getQuotes',
    { uri },
    { as, list: 'posts', limit: 1 },
  )
  const quoters = quotes.map((quote) => quote.uri)
  assert.deepEqual(quoters, oracle.quotes(reader, uri), `quotes of ${note}`)
  const thread = oracle.thread(reader, uri)
  if (thread === undefined) await world.refused('app.bsky.feed.getPostThread', { uri }, as)
  else {
    const answer = await world.get('app.bsky.feed.getPostThread', { uri, parentHeight: 1_000 }, as)
    assert.deepEqual(shapeOf(answer.thread), thread, `thread of ${note}`)
  }
  const { shown, apart } = oracle.items(reader, uri)
  const params = { anchor: uri, branchingFactor: 100 }
  const flat = await world.get('app.bsky.unspecced.getPostThreadV2', params, as)
  const other = await world.get('app.bsky.unspecced.getPostThreadOtherV2', { anchor: uri }, as)
  const texts = (items: Answer[]) => items.map((item) => item.value.post.record.text).sort()
  const below = flat.thread.filter((item: Answer) => item.depth > 0)
  assert.deepEqual(texts(below), shown.sort(), `flat thread of ${note}`)
  assert.deepEqual(texts(other.thread), apart.sort(), `kept apart in the thread of ${note}`)
  assert.equal(flat.hasOtherReplies, apart.length > 0, note)
}

async function compareOwn(world: World, oracle: Oracle, as: Person) {
  const timeline = await all(world, 'app.bsky.feed.getTimeline', {}, { as, list: 'feed' })
  assert.deepEqual(timeline.map(feedItem), oracle.timeline(as.did), `timeline of ${as.did}`)
  const list = { as, list: 'notifications' }
  const answer = await all(world, 'app.bsky.notification.listNotifications', {}, list)
  // When a verification went is not told by what is there.
  const names = answer
    .filter(({ reason }) => !reason.endsWith('verified'))
    .map((one) => [one.reason, one.uri, one.reasonSubject])
  // What depended on the order of arrival may be there.
  const given = new Set(names.map((name) => name.join()))
  const expected = oracle
    .notifications(as.did)
    .map(({ reason, uri, subject, isSure }) => ({ name: [reason, uri, subject], isSure }))
    .filter(({ name, isSure }) => isSure || given.has(name.join()))
    .map(({ name }) => name)
  assert.deepEqual(names, expected, `notifications of ${as.did}`)
  const { count } = await world.get('app.bsky.notification.getUnreadCount', {}, as)
  assert.equal(count, Math.min(100, answer.length), `unread of ${as.did}`)
}

/** Acts, delivers and compares, some rounds; between them the index goes back to an earlier event. */
export async function run(history: History, { rounds, acts }: { rounds: number; acts: number }) {
  const { world } = history
  await world.start()
  history.introduce()
  await world.settle()
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < acts; i++) await history.act()
    history.deliver()
    await world.settle()
    for (let i = 0; i < 2; i++) await history.decide()
    await compare(history)
    await world.stop()
    const back = history.draw(100)
    await world.sql.run('update cursor set seq = case when seq > ? then seq - ? else 0 end', [
      back,
      back,
    ])
    await world.start()
    await world.settle()
  }
  await compare(history)
  await world.close()
}
