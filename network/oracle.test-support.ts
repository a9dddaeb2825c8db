/** Recomputes from the hosts' records what every other service has to show, and compares. */
import assert from 'node:assert/strict'
import type { AtpAgent } from '@atproto/api'
import { networkSubscribe } from '#platform/runtime'
import { cidText } from '#protocol/data'
import { parseCommitEvent } from '#protocol/repo'
import { decodeFrame } from '#protocol/xrpc'
import type { Moderator } from './moderator.test-support.ts'
import { COLLECTIONS, type Person, WORD } from './people-at-work.test-support.ts'
import { eventually } from './rig.ts'

const POST = 'app.bsky.feed.post'
const PAGE = 100
const POSTS_AT_ONCE = 25
/** Catching up may take a while beside other work; being wrong takes for ever. */
const PATIENCE_MS = 60_000

// biome-ignore lint/suspicious/noExplicitAny: records are looked into freely
type Value = any

/** What the hosts hold, by person, then by path. */
export type Truth = Map<Person, Map<string, { cid: string; value: Value }>>

/** One record's change as a stream tells it. */
interface Change {
  did: string
  rev: string
  path: string
  /** Undefined: it was deleted. */
  cid: string | undefined
}

export async function truthOf(people: readonly Person[]): Promise<Truth> {
  const truth: Truth = new Map()
  for (const person of people) {
    const records = new Map<string, { cid: string; value: Value }>()
    for (const collection of COLLECTIONS) {
      let cursor: string | undefined
      do {
        const page = await person.records(collection, PAGE, cursor)
        for (const { uri, cid, value } of page.records)
          records.set(uri.split('/').slice(-2).join('/'), { cid, value })
        cursor = page.cursor
      } while (cursor !== undefined)
    }
    truth.set(person, records)
  }
  return truth
}

/** Every acknowledged write is at its host, and nothing that nobody asked for. */
export function assertHostsKept(truth: Truth): void {
  for (const [{ handle, ledger }, records] of truth) {
    for (const path of ledger.kept) assert.ok(records.has(path), `${handle} lost ${path}`)
    for (const path of ledger.gone) assert.ok(!records.has(path), `${handle} has ${path} again`)
    for (const path of records.keys())
      assert.ok(ledger.kept.has(path) || ledger.unsure.has(path), `${handle} never wrote ${path}`)
  }
}

/** Reads until what comes equals what is expected; else shows how it differs. */
async function equals<T>(what: string, expected: T, read: () => Promise<T>): Promise<void> {
  await eventually(
    what,
    async () => {
      assert.deepEqual(await read(), expected, what)
      return true
    },
    PATIENCE_MS,
  ).catch(({ cause }: Error) => {
    throw cause
  })
}

/** Reads a stream from its beginning, until it has told of everything; throws what it lacks at last. */
async function readToTheEnd(
  { who, url }: { who: string; url: string },
  truth: Truth,
  read: (frame: string | Uint8Array) => Change[],
): Promise<void> {
  const awaited = new Map<string, string>()
  for (const { agent, did } of truth.keys()) {
    const { data } = await agent.com.atproto.sync.getLatestCommit({ did })
    awaited.set(did, data.rev)
  }
  const changes: Change[] = []
  const subscribe = networkSubscribe({ allowPrivate: true })
  const signal = AbortSignal.timeout(PATIENCE_MS)
  for await (const frames of subscribe(url.replace('http', 'ws'), { signal })) {
    for (const change of frames.flatMap(read)) {
      changes.push(change)
      if (awaited.get(change.did) === change.rev) awaited.delete(change.did)
    }
    // The newest commits have begun to come; the rest of them may be in the next batch.
    if (awaited.size === 0 && isAllTold(who, changes, truth)) return
  }
  assertToldOnce(who, changes, truth)
}

function isAllTold(...args: Parameters<typeof assertToldOnce>): boolean {
  try {
    assertToldOnce(...args)
    return true
  } catch {
    return false
  }
}

export async function assertRelayToldAll(url: string, truth: Truth): Promise<void> {
  let before = 0
  const from = `${url}/xrpc/com.atproto.sync.subscribeRepos?cursor=0`
  await readToTheEnd({ who: 'relay', url: from }, truth, (bytes) => {
    const frame = decodeFrame(bytes as Uint8Array)
    assert.ok('type' in frame, JSON.stringify(frame))
    const { seq } = frame.body as { seq: number }
    assert.ok(seq > before, `seq ${seq} after ${before}`)
    before = seq
    if (frame.type !== '#commit') return []
    const parsed = parseCommitEvent(frame.body)
    assert.ok(parsed.ok)
    const { repo: did, rev, ops } = parsed.event
    return ops.map(({ path, cid }) => ({
      did,
      rev,
      path,
      cid: cid === null ? undefined : cidText(cid),
    }))
  })
}

export async function assertJetstreamToldAll(url: string, truth: Truth): Promise<void> {
  let before = 0
  const from = `${url}/subscribe?cursor=0`
  await readToTheEnd({ who: 'jetstream', url: from }, truth, (text) => {
    const { did, time_us: timeUs, commit } = JSON.parse(text as string)
    assert.ok(timeUs > before, `time ${timeUs} after ${before}`)
    before = timeUs
    if (commit === undefined) return []
    const { rev, collection, rkey, cid } = commit
    return [{ did, rev, path: `${collection}/${rkey}`, cid }]
  })
}

/** Each change once and in order; together they make what the host has, and leave out nothing. */
function assertToldOnce(who: string, changes: readonly Change[], truth: Truth): void {
  const told = new Set<string>()
  for (const { did, rev, path } of changes) {
    const name = `${did} ${rev} ${path}`
    assert.ok(!told.has(name), `${who} told twice of ${name}`)
    told.add(name)
  }
  for (const [{ did, handle, ledger }, records] of truth) {
    for (const { rev, paths } of ledger.revs)
      for (const path of paths)
        assert.ok(
          told.has(`${did} ${rev} ${path}`),
          `${who} never told of ${handle} ${rev} ${path}`,
        )
    const made = new Map<string, string>()
    let revBefore = ''
    for (const change of changes.filter((one) => one.did === did)) {
      assert.ok(change.rev >= revBefore, `${who}: ${change.rev} after ${revBefore}`)
      revBefore = change.rev
      if (change.cid === undefined) made.delete(change.path)
      else made.set(change.path, change.cid)
    }
    const ofPeople = (paths: Iterable<readonly [string, string]>) =>
      [...paths].filter(([path]) => isOfPeople(path)).toSorted()
    const kept = [...records].map(([path, { cid }]) => [path, cid] as const)
    assert.deepEqual(ofPeople(made), ofPeople(kept), `${who} of ${handle}`)
  }
}

function isOfPeople(path: string): boolean {
  return (COLLECTIONS as readonly string[]).includes(path.slice(0, path.indexOf('/')))
}

function recordsOf(truth: Truth, person: Person, collection: string) {
  return [...truth.get(person)!]
    .filter(([path]) => path.startsWith(`${collection}/`))
    .map(([path, { cid, value }]) => ({ uri: `at://${person.did}/${path}`, cid, value, person }))
}

const all = (truth: Truth, collection: string) =>
  [...truth.keys()].flatMap((person) => recordsOf(truth, person, collection))

const postsOf = (truth: Truth, person: Person) => recordsOf(truth, person, POST)
const isReply = ({ value }: { value: Value }) => value.reply !== undefined
const uris = (records: readonly { uri: string }[]) => records.map(({ uri }) => uri).toSorted()

/** How many different people did it, by what they did it to. */
function tallyOf(truth: Truth, collection: string): Map<string, number> {
  const people = new Map<string, Set<string>>()
  for (const { value, person } of all(truth, collection)) {
    const subject = typeof value.subject === 'string' ? value.subject : value.subject.uri
    people.set(subject, (people.get(subject) ?? new Set()).add(person.did))
  }
  return new Map([...people].map(([subject, dids]) => [subject, dids.size]))
}

/** Profiles, posts with their counts and labels, author feeds and notifications, for everybody. */
export async function assertViewShowsAll(
  truth: Truth,
  view: AtpAgent,
  moderator: Moderator,
): Promise<void> {
  const follows = tallyOf(truth, 'app.bsky.graph.follow')
  for (const person of truth.keys()) {
    const mine = postsOf(truth, person)
    const followed = new Set(
      recordsOf(truth, person, 'app.bsky.graph.follow').map(({ value }) => value.subject),
    )
    const { value: profile } = truth.get(person)!.get('app.bsky.actor.profile/self') ?? {}
    const expected = {
      displayName: profile?.displayName,
      posts: mine.length,
      follows: followed.size,
      followers: follows.get(person.did) ?? 0,
    }
    await equals(`the profile of ${person.handle}`, expected, async () => {
      const { data } = await view.getProfile({ actor: person.handle })
      const { displayName, postsCount: posts, followsCount, followersCount } = data
      return { displayName, posts, follows: followsCount!, followers: followersCount! }
    })
    await equals(`the feed of ${person.handle}`, uris(mine), () => authorFeed(view, person))
    await equals(`what ${person.handle} is told`, noticesFor(truth, person), () => noticed(person))
  }
  await assertPostsCounted(truth, view, moderator)
}

async function assertPostsCounted(
  truth: Truth,
  view: AtpAgent,
  moderator: Moderator,
): Promise<void> {
  const likes = tallyOf(truth, 'app.bsky.feed.like')
  const reposts = tallyOf(truth, 'app.bsky.feed.repost')
  const replies = new Map<string, number>()
  const posts = all(truth, POST)
  for (const { value } of posts.filter(isReply)) {
    const { uri } = value.reply.parent
    replies.set(uri, (replies.get(uri) ?? 0) + 1)
  }
  const headers = { 'atproto-accept-labelers': moderator.did }
  for (let at = 0; at < posts.length; at += POSTS_AT_ONCE) {
    const some = uris(posts.slice(at, at + POSTS_AT_ONCE))
    const expected = some.map((uri) => ({
      uri,
      likes: likes.get(uri) ?? 0,
      reposts: reposts.get(uri) ?? 0,
      replies: replies.get(uri) ?? 0,
      labels: moderator.labelsOf(uri),
    }))
    await equals('posts and their counts', expected, async () => {
      const { data } = await view.app.bsky.feed.getPosts({ uris: some }, { headers })
      return data.posts
        .map((post) => ({
          uri: post.uri as string,
          likes: post.likeCount!,
          reposts: post.repostCount!,
          replies: post.replyCount!,
          labels: moderator.sure(post.uri, post.labels!.map(({ val }) => val).toSorted()),
        }))
        .toSorted((a, b) => (a.uri < b.uri ? -1 : 1))
    })
  }
}

/** Every page of something. */
async function pages<T>(
  read: (page: { limit: number; cursor: string | undefined }) => Promise<{
    data: { cursor?: string }
    items: T[]
  }>,
): Promise<T[]> {
  const found: T[] = []
  let cursor: string | undefined
  do {
    const { data, items } = await read({ limit: PAGE, cursor })
    found.push(...items)
    cursor = data.cursor
  } while (cursor !== undefined)
  return found
}

async function authorFeed(view: AtpAgent, { did }: Person): Promise<string[]> {
  const found = await pages(async (page) => {
    const asked = { ...page, actor: did, filter: 'posts_with_replies' as const }
    const { data } = await view.getAuthorFeed(asked)
    const own = data.feed.filter((item) => item.reason === undefined)
    return { data, items: own.map(({ post }) => post.uri as string) }
  })
  return found.toSorted()
}

async function noticed({ agent }: Person): Promise<string[]> {
  const found = await pages(async (page) => {
    const { data } = await agent.listNotifications(page)
    return { data, items: data.notifications.map(({ reason, uri }) => `${reason} ${uri}`) }
  })
  return found.toSorted()
}

/** Whatever others did to somebody or to a post of theirs that is still there. */
function noticesFor(truth: Truth, person: Person): string[] {
  const own = new Set(uris(postsOf(truth, person)))
  const notices: string[] = []
  for (const collection of ['like', 'repost', 'follow']) {
    const nsid = collection === 'follow' ? 'app.bsky.graph.follow' : `app.bsky.feed.${collection}`
    const seen = new Set<string>()
    for (const { uri, value, person: by } of all(truth, nsid)) {
      const subject = collection === 'follow' ? value.subject : value.subject.uri
      if (subject !== person.did && !own.has(subject)) continue
      // The same thing done twice by one person is told of once.
      if (by !== person && !seen.has(`${by.did} ${subject}`)) notices.push(`${collection} ${uri}`)
      seen.add(`${by.did} ${subject}`)
    }
  }
  for (const { uri, value, person: by } of all(truth, POST).filter(isReply))
    if (by !== person && own.has(value.reply.parent.uri)) notices.push(`reply ${uri}`)
  return notices.toSorted()
}

/** Each person's posts, found by a word that is in all of them. */
export async function assertSearchFindsAll(truth: Truth, view: AtpAgent): Promise<void> {
  for (const person of truth.keys())
    await equals(`hits for ${person.handle}`, uris(postsOf(truth, person)), async () => {
      const found = await pages(async (page) => {
        const asked = { ...page, q: WORD, author: person.did }
        const { data } = await view.app.bsky.feed.searchPosts(asked)
        return { data, items: data.posts.map(({ uri }) => uri as string) }
      })
      return found.toSorted()
    })
}

/** Near you: whom somebody follows and whom those follow. Liked: what anybody likes. */
export async function assertFeedsShowAll(
  truth: Truth,
  view: AtpAgent,
  feeds: { network: string; liked: string },
): Promise<void> {
  const byDid = new Map([...truth.keys()].map((person) => [person.did, person]))
  const followedBy = (person: Person): Person[] =>
    recordsOf(truth, person, 'app.bsky.graph.follow').map(({ value }) => byDid.get(value.subject)!)
  const shown = async (agent: AtpAgent, feed: string) => {
    const found = await pages(async (page) => {
      const { data } = await agent.app.bsky.feed.getFeed({ ...page, feed })
      return { data, items: data.feed.map(({ post }) => post.uri as string) }
    })
    return found.toSorted()
  }
  for (const person of truth.keys()) {
    const near = followedBy(person)
    const people = new Set([...near, ...near.flatMap(followedBy)])
    if (!near.includes(person)) people.delete(person)
    const posts = [...people].flatMap((one) => postsOf(truth, one))
    const expected = uris(posts.filter((post) => !isReply(post)))
    await equals(`near ${person.handle}`, expected, () => shown(person.agent, feeds.network))
  }
  const likes = tallyOf(truth, 'app.bsky.feed.like')
  const liked = uris(all(truth, POST).filter(({ uri }) => likes.has(uri)))
  await equals('what is liked', liked, () => shown(view, feeds.liked))
}
