import type { Hydration } from '../read/hydrate.ts'
import type { Thread } from '../read/threads.ts'
import { blockBetween, blockedPost, isHeldBack, postMembers, viewerBlocks } from './feed.ts'
import { arrayOf, type Json, member } from './json.ts'
import { notFoundPost, type Post } from './post.ts'

/**
 * `app.bsky.feed.defs#threadViewPost` around the anchor, or a #blockedPost in its place; undefined
 * when the anchor is not to be shown.
 */
export function threadView(h: Hydration, thread: Thread): Json | undefined {
  const anchor = h.posts.get(thread.anchor)
  const members = anchor && postMembers(h, anchor)
  if (members === undefined) return undefined
  if (viewerBlocks(h, anchor!.aid)) return blockedPost(h, anchor!)
  // A reply that the gate of its thread shuts out is shown alone.
  if (h.gatedOff.has(thread.anchor)) return threadPost(members)
  const rootKey = rootOf(anchor!)
  const parent = parentView(h, anchor!, rootKey, thread.ancestors.length)
  const place: Place = { h, thread, rootKey }
  return threadPost(members, parent, repliesView(place, anchor!, thread.depth))
}

function threadPost(members: string, parent?: Json, replies?: Json): Json {
  return `{"$type":"app.bsky.feed.defs#threadViewPost","post":{${members}}${member('parent', parent)}${member('replies', replies)},"threadContext":{}}`
}

function rootOf(post: Post): string {
  return post.root?.key ?? post.key
}

function parentView(h: Hydration, child: Post, rootKey: string, height: number): Json | undefined {
  const ref = child.parent
  if (ref === undefined || height < 1) return undefined
  if (blockBetween(h, child.aid, ref.aid)) return blockedPost(h, ref)
  const post = h.posts.get(ref.key)
  const members = post && postMembers(h, post)
  if (members === undefined) return notFoundPost(ref.uri)
  // A reply may name a root that its parent does not belong to.
  if (rootOf(post!) !== rootKey) return undefined
  if (viewerBlocks(h, ref.aid)) return blockedPost(h, ref)
  return threadPost(members, parentView(h, post!, rootKey, height - 1))
}

/** Where in a thread replies are being written. */
interface Place {
  h: Hydration
  thread: Thread
  rootKey: string
}

/** The replies to a post; undefined below the depth that was asked for. */
function repliesView(place: Place, parent: Post, depth: number): Json | undefined {
  if (depth < 1) return undefined
  const views: Json[] = []
  for (const key of place.thread.replies.get(parent.key) ?? []) {
    const view = replyView(place, parent, key, depth)
    if (view !== undefined) views.push(view)
  }
  return arrayOf(views)
}

function replyView(place: Place, parent: Post, key: string, depth: number): Json | undefined {
  const { h, rootKey } = place
  const post = h.posts.get(key)
  if (post === undefined || h.gatedOff.has(key) || rootOf(post) !== rootKey) return undefined
  if (blockBetween(h, post.aid, parent.aid)) return undefined
  const members = postMembers(h, post)
  if (members === undefined) return undefined
  if (viewerBlocks(h, post.aid)) return blockedPost(h, post)
  if (isHeldBack(h, post)) return undefined
  return threadPost(members, undefined, repliesView(place, post, depth - 1))
}
