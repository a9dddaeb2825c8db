import type { Did, Handle } from '#protocol/syntax'
import { type Ask, list, type OwnPost, type PostViews, type Profile } from './post-views.ts'

type Json = Record<string, unknown>

/** The call whose answer is completed. */
export interface OnCall {
  params: URLSearchParams
  status: number
  ask: Ask
}

interface Completion {
  view: unknown
  call: OnCall
  did: Did
  handle: Handle
  /** Written since, oldest first. */
  posts: readonly OwnPost[]
  /** Set when it was changed since. */
  profile: Profile | undefined
  views: PostViews
}

type Complete = (completion: Completion) => Promise<unknown>

/** The methods whose answers show what the asking account wrote. Anything odd is left as it came. */
export const COMPLETIONS: ReadonlyMap<string, Complete> = new Map<string, Complete>([
  ['app.bsky.actor.getProfile', profile],
  ['app.bsky.actor.getProfiles', profiles],
  ['app.bsky.feed.getActorLikes', actorLikes],
  ['app.bsky.feed.getAuthorFeed', authorFeed],
  ['app.bsky.feed.getPostThread', postThread],
  ['app.bsky.feed.getTimeline', timeline],
])

async function profile({ view, did, profile, views }: Completion): Promise<unknown> {
  if (!isObject(view) || view.did !== did || !profile) return undefined
  return views.detailed(view, profile)
}

async function profiles({ view, did, profile, views }: Completion): Promise<unknown> {
  if (!isObject(view) || !Array.isArray(view.profiles) || !profile) return undefined
  const update = (one: Json) => (one.did === did ? views.detailed(one, profile) : one)
  return { ...view, profiles: list(view.profiles).map(update) }
}

async function actorLikes(completion: Completion): Promise<unknown> {
  const { view, profile } = completion
  if (!isFeed(view) || !profile) return undefined
  return { ...view, feed: withOwnProfile(view.feed, completion) }
}

async function authorFeed(completion: Completion): Promise<unknown> {
  const { view, call, did, handle } = completion
  const actor = call.params.get('actor')?.toLowerCase()
  if (!isFeed(view) || (actor !== did && actor !== handle)) return undefined
  const isWanted = FILTERS[call.params.get('filter') ?? ''] ?? (() => true)
  const posts = completion.posts.filter((post) => isWanted(post, did))
  const feed = withOwnProfile(view.feed, completion)
  return { ...view, feed: await withPosts(feed, { ...completion, posts }) }
}

async function timeline(completion: Completion): Promise<unknown> {
  const { view } = completion
  if (!isFeed(view)) return undefined
  return { ...view, feed: await withPosts(view.feed, completion) }
}

/** What the author feed's `filter` leaves out. */
const FILTERS: Readonly<Record<string, (post: OwnPost, did: Did) => boolean>> = {
  posts_no_replies: ({ record }) => record.reply === undefined,
  posts_with_media: ({ record }) => mediaOf(record.embed) === 'app.bsky.embed.images',
  posts_with_video: ({ record }) => mediaOf(record.embed) === 'app.bsky.embed.video',
  posts_and_author_threads: ({ record: { reply } }, did) =>
    reply === undefined || [reply.root, reply.parent].every((to) => isOf(to?.uri, did)),
}

const isOf = (uri: string | undefined, did: Did) => uri?.startsWith(`at://${did}/`) === true

const mediaOf = (embed: OwnPost['record']['embed']) =>
  embed?.$type === 'app.bsky.embed.recordWithMedia'
    ? (embed.media as Json | undefined)?.$type
    : embed?.$type

interface Feed extends Json {
  feed: Item[]
}

type Item = Json & { post: Json & { author: Json; uri: string; indexedAt: string } }

function isFeed(view: unknown): view is Feed {
  return isObject(view) && Array.isArray(view.feed) && view.feed.every(isItem)
}

const isItem = (item: unknown): item is Item =>
  isObject(item) &&
  isObject(item.post) &&
  isObject(item.post.author) &&
  typeof item.post.uri === 'string' &&
  typeof item.post.indexedAt === 'string'

function withOwnProfile(feed: Item[], { did, profile, views }: Completion): Item[] {
  if (!profile) return feed
  return feed.map((item) => {
    if (item.post.author.did !== did) return item
    return { ...item, post: { ...item.post, author: views.basic(item.post.author, profile) } }
  })
}

/** The feed's first page with the posts in their places; further pages are of older ones. */
async function withPosts(
  feed: Item[],
  { posts, call, views }: Pick<Completion, 'posts' | 'call' | 'views'>,
): Promise<Item[]> {
  if (call.params.has('cursor')) return feed
  const known = new Set(feed.map(({ post }) => post.uri))
  const oldest = feed.at(-1)?.post.indexedAt ?? ''
  const missing = posts.filter((post) => !known.has(post.uri) && post.indexedAt > oldest)
  const made = await Promise.all(missing.map((post) => views.post(post, call.ask)))
  const whole = [...feed]
  for (const post of made as Item['post'][]) {
    const place = whole.findIndex((item) => item.post.indexedAt < post.indexedAt)
    whole.splice(place < 0 ? whole.length : place, 0, { post })
  }
  return whole
}

const THREAD_VIEW = 'app.bsky.feed.defs#threadViewPost'

type ThreadView = Json & { post: Json; replies?: unknown[] }

const isThread = (view: unknown): view is ThreadView =>
  isObject(view) && view.$type === THREAD_VIEW && isObject(view.post)

async function postThread(completion: Completion): Promise<unknown> {
  const { view, call } = completion
  if (call.status !== 200) return newThread(completion)
  if (!isObject(view) || !isThread(view.thread)) return undefined
  return { ...view, thread: await withReplies(view.thread, completion) }
}

/** A thread of a post that the app view has not met yet: it is made here. */
async function newThread(completion: Completion): Promise<unknown> {
  const { view, call, did, handle, posts, views } = completion
  if (!isObject(view) || view.error !== 'NotFound') return undefined
  const uri = (call.params.get('uri') ?? '').replace(`at://${handle}/`, `at://${did}/`)
  const post = posts.find((one) => one.uri === uri)
  if (!post) return undefined
  const own: ThreadView = { $type: THREAD_VIEW, post: await views.post(post, call.ask) }
  const thread = await withReplies(own, completion)
  const parentUri = post.record.reply?.parent?.uri
  const parent = parentUri && (await parentThread(parentUri, completion))
  return { thread: parent ? { ...thread, parent } : thread }
}

/** From the app view, else from what was written here as well. */
async function parentThread(uri: string, completion: Completion): Promise<unknown> {
  const { call, posts, views } = completion
  const parentHeight = call.params.get('parentHeight') ?? undefined
  const params = { uri, depth: 0, ...(parentHeight !== undefined && { parentHeight }) }
  const answer = await call.ask('app.bsky.feed.getPostThread', params)
  if (isObject(answer) && isObject(answer.thread)) return answer.thread
  const own = posts.find((post) => post.uri === uri)
  if (!own) return undefined
  const thread: ThreadView = { $type: THREAD_VIEW, post: await views.post(own, call.ask) }
  const parentUri = own.record.reply?.parent?.uri
  const rest = posts.filter((post) => post !== own)
  const parent = parentUri && (await parentThread(parentUri, { ...completion, posts: rest }))
  return parent ? { ...thread, parent } : thread
}

/** The thread with the account's replies below the posts they answer, oldest put in first. */
async function withReplies(thread: ThreadView, completion: Completion): Promise<ThreadView> {
  let whole = thread
  for (const post of completion.posts) {
    const parent = post.record.reply?.parent?.uri
    if (parent === undefined || hasPost(whole, post.uri)) continue
    whole = await insertReply(whole, post, completion)
  }
  return whole
}

function hasPost(thread: ThreadView, uri: string): boolean {
  if (thread.post.uri === uri) return true
  return (thread.replies ?? []).some((reply) => isThread(reply) && hasPost(reply, uri))
}

async function insertReply(
  thread: ThreadView,
  post: OwnPost,
  completion: Completion,
): Promise<ThreadView> {
  const replies = thread.replies ?? []
  if (thread.post.uri === post.record.reply?.parent?.uri) {
    const view = await completion.views.post(post, completion.call.ask)
    return { ...thread, replies: [{ $type: THREAD_VIEW, post: view }, ...replies] }
  }
  if (replies.length === 0) return thread
  const below = await Promise.all(
    replies.map((reply) => (isThread(reply) ? insertReply(reply, post, completion) : reply)),
  )
  return { ...thread, replies: below }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
