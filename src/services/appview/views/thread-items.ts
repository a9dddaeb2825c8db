import type { Hydration } from '../read/hydrate.ts'
import type { Mark } from '../read/relations.ts'
import type { Thread } from '../read/threads.ts'
import {
  blockBetween,
  blockedAuthor,
  hiddenByGate,
  isHeldBack,
  isMuted,
  postMembers,
  viewerBlocks,
} from './feed.ts'
import { arrayOf, type Json, quote } from './json.ts'
import type { Post, PostRef } from './post.ts'

/** A thread as a flat list: `app.bsky.unspecced.getPostThreadV2#threadItem` and its sister's. */

export interface ThreadPlan {
  thread: Thread
  /** Keys of the posts its author put together, the root first. */
  ownThread: readonly string[]
  /** What the thread's author did to its posts. */
  authorMarks: ReadonlyMap<string, Mark>
  branchingFactor: number
  sort: string
}

/** A post of the list; what stands in its place otherwise is written at once. */
interface Place {
  h: Hydration
  plan: ThreadPlan
  rootKey: string
  rootAid: number
  /** Places in the author's own thread, from 1. */
  own: ReadonlyMap<string, number>
}

interface Item {
  post: Post
  depth: number
  hasMoreParents?: boolean
  moreReplies?: number
  hidden?: Hidden
}

/** Why a reply is not among the others. */
interface Hidden {
  byGate: boolean
  muted: boolean
}

/** People answer with this alone to find a post again. */
const PIN = '📌'
/** A post that the thread's author likes stands above others with as many likes, or a few more. */
const AUTHOR_LIKE_WEIGHT = 1.45

/** The list around the anchor, and whether the anchor has replies that are kept apart. */
export function threadItems(
  h: Hydration,
  plan: ThreadPlan,
): { items: Json; hasOtherReplies: boolean } {
  const { thread } = plan
  const alone = (item: Json) => ({ items: `[${item}]`, hasOtherReplies: false })
  const open = h.posts.get(thread.anchor)
  const anchor = open ?? h.membersOnly.get(thread.anchor)
  if (anchor === undefined || !h.actors.has(anchor.aid)) return alone(notFound(thread.uri, 0))
  if (viewerBlocks(h, anchor.aid)) return alone(blocked(h, anchor, 0))
  const place = placeOf(h, plan, anchor)
  // A reply that the gate of its thread shuts out is shown alone.
  const isShut = h.gatedOff.has(anchor.key)
  const above = isShut ? [] : parentItems(place, anchor, -1)
  if (open === undefined)
    return { items: arrayOf([...above, noUser(anchor, 0)]), hasOtherReplies: false }
  const replies = isShut ? [] : (thread.replies.get(anchor.key) ?? [])
  const below = isShut ? [] : replyItems(place, anchor, 1)
  const hasMoreParents = !isShut && anchor.parent !== undefined && above.length === 0
  const hasOtherReplies = thread.depth > 0 && replies.some((key) => hiddenReply(place, anchor, key))
  return {
    items: arrayOf([
      ...above,
      postItem(place, { post: anchor, depth: 0, hasMoreParents }),
      ...below,
    ]),
    hasOtherReplies,
  }
}

/** The replies to the anchor that are kept apart, the most deserving first. */
export function otherThreadItems(h: Hydration, plan: ThreadPlan): Json {
  const { thread } = plan
  const anchor = h.posts.get(thread.anchor)
  if (anchor === undefined || !h.actors.has(anchor.aid) || viewerBlocks(h, anchor.aid)) return '[]'
  if (h.gatedOff.has(anchor.key)) return '[]'
  const place = placeOf(h, plan, anchor)
  const items: Item[] = []
  for (const key of thread.replies.get(anchor.key) ?? []) {
    const hidden = hiddenReply(place, anchor, key)
    if (hidden) items.push({ post: h.posts.get(key)!, depth: 1, hidden })
  }
  const rank = ({ post, hidden }: Item) =>
    Math.min(closeness(place, post), CLOSE) * 4 + (hidden!.muted ? 2 : 0) + (hidden!.byGate ? 1 : 0)
  items.sort((a, b) => rank(a) - rank(b) || newest(a.post, b.post))
  return arrayOf(items.map((item) => postItem(place, item)))
}

function placeOf(h: Hydration, plan: ThreadPlan, anchor: Post): Place {
  const own = new Map(plan.ownThread.map((key, i) => [key, i + 1]))
  const rootKey = anchor.root?.key ?? anchor.key
  return { h, plan, rootKey, rootAid: anchor.root?.aid ?? anchor.aid, own }
}

/** What a post answers, the topmost first. */
function parentItems(place: Place, child: Post, depth: number): Json[] {
  const { h, plan, rootKey } = place
  const ref = child.parent
  if (ref === undefined || -depth > plan.thread.height) return []
  const post = h.posts.get(ref.key) ?? h.membersOnly.get(ref.key)
  if (post === undefined || !h.actors.has(post.aid)) return [notFound(ref.uri, depth)]
  // A reply may name a root that its parent does not belong to.
  if ((post.root?.key ?? post.key) !== rootKey) return []
  if (viewerBlocks(h, post.aid) || blockBetween(h, child.aid, post.aid))
    return [blocked(h, ref, depth)]
  const above = parentItems(place, post, depth - 1)
  if (!h.posts.has(ref.key)) return [...above, noUser(post, depth)]
  const hasMoreParents = post.parent !== undefined && above.length === 0
  return [...above, postItem(place, { post, depth, hasMoreParents })]
}

function replyItems(place: Place, parent: Post, depth: number): Json[] {
  const { plan } = place
  if (depth > plan.thread.depth) return []
  const items: Json[] = []
  for (const post of shownReplies(place, parent, depth)) {
    const below = replyItems(place, post, depth + 1)
    items.push(postItem(place, { post, depth, moreReplies: more(place, post, depth) }), ...below)
  }
  return items
}

/** Replies in the order asked for; below those to the anchor, no more than the branching factor. */
function shownReplies(place: Place, parent: Post, depth: number): Post[] {
  const posts = visibleReplies(place, parent)
  posts.sort((a, b) => closeness(place, a) - closeness(place, b) || byOrder(place, a, b))
  return depth === 1 ? posts : posts.slice(0, place.plan.branchingFactor)
}

function visibleReplies(place: Place, parent: Post): Post[] {
  const found: Post[] = []
  for (const key of place.plan.thread.replies.get(parent.key) ?? []) {
    const post = reply(place, parent, key)
    if (post !== undefined && hiddenOf(place, post) === undefined) found.push(post)
  }
  return found
}

/** How many replies to a post are not in the list: those cut off, and those not looked at. */
function more(place: Place, post: Post, depth: number): number {
  const { h, plan } = place
  const looked = plan.thread.replies.get(post.key)?.length ?? 0
  const unseen = Math.max(0, h.counts.get(post.key)!.replies - looked)
  if (depth >= plan.thread.depth) return unseen
  return unseen + Math.max(0, visibleReplies(place, post).length - plan.branchingFactor)
}

/** A reply that has a place in the thread at all, for this viewer. */
function reply({ h, rootKey }: Place, parent: Post, key: string): Post | undefined {
  const post = h.posts.get(key)
  if (post === undefined || !h.actors.has(post.aid) || h.gatedOff.has(key)) return undefined
  if ((post.root?.key ?? post.key) !== rootKey) return undefined
  if (viewerBlocks(h, post.aid) || blockBetween(h, post.aid, parent.aid)) return undefined
  return isHeldBack(h, post) ? undefined : post
}

function hiddenReply(place: Place, parent: Post, key: string): Hidden | undefined {
  const post = reply(place, parent, key)
  return post && hiddenOf(place, post)
}

/** Undefined for a reply that is not to be kept apart. */
function hiddenOf({ h }: Place, post: Post): Hidden | undefined {
  const byGate = post.aid !== h.viewer?.aid && hiddenByGate(h, post)
  const muted = isMuted(h, post.aid)
  const isPin = JSON.parse(post.record).text.trim() === PIN
  return byGate || muted || isPin ? { byGate, muted } : undefined
}

/** Whom the viewer follows is no closer among replies that are kept apart. */
const CLOSE = 3

/** Whose replies come first, whatever the order: 0 the author's own thread … 4 everybody else. */
function closeness({ h, rootAid, own }: Place, post: Post): number {
  if (own.has(post.key)) return 0
  if (post.aid === rootAid) return 1
  if (h.viewer !== undefined && post.aid === h.viewer.aid) return 2
  return h.relations.get(post.aid)?.following === undefined ? 4 : 3
}

function byOrder({ h, plan }: Place, a: Post, b: Post): number {
  if (plan.sort === 'oldest') return -newest(a, b)
  if (plan.sort !== 'top') return newest(a, b)
  const weight = ({ key }: Post) =>
    Math.log(3 + h.counts.get(key)!.likes) *
    (plan.authorMarks.get(key)?.like === undefined ? 1 : AUTHOR_LIKE_WEIGHT)
  return weight(b) - weight(a) || newest(a, b)
}

function newest(a: Post, b: Post): number {
  return b.sortUs - a.sortUs || (a.key < b.key ? 1 : -1)
}

function postItem({ h, own }: Place, item: Item): Json {
  const { post, depth, hasMoreParents = false, moreReplies = 0, hidden } = item
  const at = hidden === undefined ? own.get(post.key) : undefined
  const inOwn = at === undefined ? '' : `,"opThreadPostIndex":${at},"opThreadPostCount":${own.size}`
  return itemOf(
    post.uri,
    depth,
    `"$type":"app.bsky.unspecced.defs#threadItemPost","post":{${postMembers(h, post)}}` +
      `,"moreParents":${hasMoreParents},"moreReplies":${moreReplies}` +
      `,"opThread":${at !== undefined}${inOwn}` +
      `,"hiddenByThreadgate":${hidden?.byGate ?? false},"mutedByViewer":${hidden?.muted ?? false}`,
  )
}

function notFound(uri: string, depth: number): Json {
  return itemOf(uri, depth, '"$type":"app.bsky.unspecced.defs#threadItemNotFound"')
}

function noUser({ uri }: Post, depth: number): Json {
  return itemOf(uri, depth, '"$type":"app.bsky.unspecced.defs#threadItemNoUnauthenticated"')
}

function blocked(h: Hydration, ref: PostRef, depth: number): Json {
  const author = blockedAuthor(h, ref)
  return itemOf(
    ref.uri,
    depth,
    `"$type":"app.bsky.unspecced.defs#threadItemBlocked","author":${author}`,
  )
}

function itemOf(uri: string, depth: number, value: string): Json {
  return `{"uri":${quote(uri)},"depth":${depth},"value":{${value}}}`
}
