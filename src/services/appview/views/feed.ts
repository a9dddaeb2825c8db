import type { Hydration } from '../read/hydrate.ts'
import { pairOf, type Relation } from '../read/relations.ts'
import { profileBasic } from './actor.ts'
import { type Json, member } from './json.ts'
import { notFoundPost, type Post, type PostRef } from './post.ts'

/** One place of a feed: a post, and the repost that brought it there. */
export interface FeedItem {
  /** The post's key. */
  post: string
  /** Absent for the author's own posting. */
  repost: Repost | undefined
  /** Shown first because its author pinned it. */
  pinned?: boolean
  /** What the maker of a feed says of it, for its own ears or the reader's. */
  context?: string | undefined
}

export interface Repost {
  aid: number
  rkey: string
  /** Absent when the repost went while the page was being read. */
  cid: string | undefined
  sortMs: number
}

/** Whether views say that one of the two, viewer and account, blocks the other. */
export function viewerBlocks(h: Pick<Hydration, 'relations'>, aid: number): boolean {
  return h.relations.get(aid)?.blocked === true
}

/** Whether moderators have yet to decide on it, and the viewer neither wrote it nor follows who did. */
export function isHeldBack(h: Hydration, { aid, isUnderReview }: Post): boolean {
  return (isUnderReview || accountIsHeldBack(h, aid)) && !isClose(h, aid)
}

/** The same of an account. */
export function accountIsHeldBack(h: Hydration, aid: number): boolean {
  return h.actors.get(aid)?.isUnderReview === true && !isClose(h, aid)
}

function isClose({ viewer, relations }: Hydration, aid: number): boolean {
  return viewer?.aid === aid || relations.get(aid)?.following !== undefined
}

/** Whether the viewer has muted the account. */
export function isMuted(h: Hydration, aid: number | undefined): boolean {
  return aid !== undefined && h.relations.get(aid)?.muted === true
}

/** Whether the author of the thread has hidden the reply. */
export function hiddenByGate(h: Hydration, reply: Post): boolean {
  const root = reply.root && h.posts.get(reply.root.key)
  return root?.threadgate?.hidden.has(reply.uri) === true
}

/** `app.bsky.feed.defs#threadgateView` of the post a thread began with. */
export function gateView(h: Hydration, root: Post | undefined): Json | undefined {
  if (root?.threadgate === undefined) return undefined
  const lists = h.gateLists.get(root.key) ?? '[]'
  return `{${root.threadgate.names},"record":${root.threadgate.record},"lists":${lists}}`
}

/** Whether the viewer has muted who wrote the post or who reposted it. */
export function itemMuted(h: Hydration, { post, repost }: FeedItem): boolean {
  return isMuted(h, h.posts.get(post)?.aid) || isMuted(h, repost?.aid)
}

/** Whether the two accounts have a block between them. */
export function blockBetween(h: Hydration, aid: number, otherAid: number): boolean {
  return aid !== otherAid && h.blocked.has(pairOf(aid, otherAid))
}

/** Members of `app.bsky.feed.defs#postView`; undefined when its author is not to be shown. */
export function postMembers(h: Hydration, post: Post, depth = 0): string | undefined {
  const author = h.actors.get(post.aid)
  if (author === undefined) return undefined
  const embed = depth < 2 ? embedView(h, post, depth + 1) : undefined
  return (
    post.names +
    `,"author":${profileBasic(author, h.relations.get(post.aid))},"record":${post.record}` +
    member('embed', embed) +
    countsMembers(h, post) +
    post.dates +
    viewerMember(h, post) +
    member('threadgate', gateView(h, post))
  )
}

function countsMembers(h: Hydration, { key }: Post): string {
  const { text, bookmarks } = h.counts.get(key)!
  return `${text},"bookmarkCount":${bookmarks}`
}

/** `app.bsky.feed.defs#postView`. */
export function postView(h: Hydration, key: string): Json | undefined {
  const post = h.posts.get(key)
  const members = post && postMembers(h, post)
  return members === undefined ? undefined : `{${members}}`
}

/** `app.bsky.feed.defs#feedViewPost`; undefined when the post or who reposted it is not to be shown. */
export function feedViewPost(h: Hydration, item: FeedItem): Json | undefined {
  const post = h.posts.get(item.post)
  const members = post && postMembers(h, post)
  if (members === undefined) return undefined
  const reply = h.gatedOff.has(item.post) ? undefined : replyRef(h, post!)
  let reason: Json | undefined
  if (item.pinned) reason = '{"$type":"app.bsky.feed.defs#reasonPin"}'
  else if (item.repost !== undefined) {
    reason = reasonRepost(h, item.repost)
    if (reason === undefined) return undefined
  }
  const context = item.context && JSON.stringify(item.context)
  return `{"post":{${members}}${member('reply', reply)}${member('reason', reason)}${member('feedContext', context)}}`
}

/** Whether a list of posts may show the post to the viewer at all. */
export function listable(h: Hydration, post: Post): boolean {
  return h.actors.has(post.aid) && !viewerBlocks(h, post.aid)
}

/** Whether a feed may show the item to the viewer at all. */
export function feedItemAllowed(h: Hydration, item: FeedItem): boolean {
  const post = h.posts.get(item.post)
  if (post === undefined || viewerBlocks(h, post.aid)) return false
  return item.repost === undefined || !viewerBlocks(h, item.repost.aid)
}

/** Whether the viewer has a block with who is answered in the post, or with who that one answers. */
export function ancestorsBlocked(h: Hydration, key: string): boolean {
  const parent = h.posts.get(key)?.parent
  if (parent === undefined) return false
  if (viewerBlocks(h, parent.aid)) return true
  const grandparent = h.posts.get(parent.key)?.parent
  return grandparent !== undefined && viewerBlocks(h, grandparent.aid)
}

/** `app.bsky.feed.defs#blockedPost`, typed. */
export function blockedPost(h: Hydration, ref: PostRef): Json {
  return `{"$type":"app.bsky.feed.defs#blockedPost","uri":"${ref.uri}","blocked":true,"author":${blockedAuthor(h, ref)}}`
}

/** `app.bsky.feed.defs#blockedAuthor`. */
export function blockedAuthor(h: Hydration, ref: PostRef): Json {
  const relation = h.relations.get(ref.aid)
  const viewer = relation === undefined ? '' : `,"viewer":${blockedViewer(h, relation)}`
  return `{"did":"${didOf(ref.uri)}"${viewer}}`
}

function blockedViewer(h: Hydration, relation: Relation): Json {
  const { blocking, blockedBy } = relation
  const uri = blocking && `"at://${h.viewer!.did}/app.bsky.graph.block/${blocking}"`
  return `{"blockedBy":${blockedBy}${member('blocking', uri)}}`
}

function didOf(uri: string): string {
  return uri.slice('at://'.length, uri.indexOf('/', 'at://'.length))
}

/** A post, or what stands in its place, typed. */
export function postOrStub(h: Hydration, ref: PostRef, between: readonly number[]): Json {
  const post = h.posts.get(ref.key)
  const members = post && postMembers(h, post)
  if (members === undefined) return notFoundPost(ref.uri)
  if (viewerBlocks(h, ref.aid) || between.some((aid) => blockBetween(h, aid, ref.aid)))
    return blockedPost(h, ref)
  return `{"$type":"app.bsky.feed.defs#postView",${members}}`
}

function replyRef(h: Hydration, post: Post): Json | undefined {
  const { parent, root } = post
  if (parent === undefined || root === undefined) return undefined
  const parentPost = h.posts.get(parent.key)
  const rootView = postOrStub(h, root, [post.aid, parent.aid])
  const parentView = parent.key === root.key ? rootView : postOrStub(h, parent, [post.aid])
  const grandparent = parentPost?.parent && h.actors.get(parentPost.parent.aid)
  const author = grandparent && profileBasic(grandparent, h.relations.get(grandparent.aid))
  return `{"root":${rootView},"parent":${parentView}${member('grandparentAuthor', author)}}`
}

function reasonRepost(h: Hydration, { aid, rkey, cid, sortMs }: Repost): Json | undefined {
  const by = h.actors.get(aid)
  if (by === undefined) return undefined
  const uri = `at://${by.did}/app.bsky.feed.repost/${rkey}`
  const indexedAt = new Date(sortMs).toISOString()
  return `{"$type":"app.bsky.feed.defs#reasonRepost","by":${profileBasic(by, h.relations.get(aid))},"uri":"${uri}"${member('cid', cid && `"${cid}"`)},"indexedAt":"${indexedAt}"}`
}

function viewerMember(h: Hydration, post: Post): string {
  const { viewer } = h
  if (viewer === undefined) return ''
  const mark = h.marks.get(post.key)
  const own = (collection: string, rkey: string) =>
    `"at://${viewer.did}/app.bsky.feed.${collection}/${rkey}"`
  const quotable = post.postgate?.disabled !== true || post.aid === viewer.aid
  return (
    `,"viewer":{"bookmarked":${mark?.bookmark !== undefined},"threadMuted":${threadMuted(h, post)}` +
    `,"embeddingDisabled":${!quotable}` +
    (replyDisabled(h, post) ? ',"replyDisabled":true' : '') +
    member('like', mark?.like && own('like', mark.like)) +
    member('repost', mark?.repost && own('repost', mark.repost)) +
    '}'
  )
}

/** Whether the viewer has muted the thread that the post stands in. */
export function threadMuted(h: Hydration, { key, root }: Post): boolean {
  return h.mutedThreads.has(root?.key ?? key)
}

function replyDisabled(h: Hydration, { key, root }: Post): boolean {
  return h.gatedOff.has(key) || h.shutToViewer.has(root?.key ?? key)
}

function embedView(h: Hydration, post: Post, depth: number): Json | undefined {
  const { embed } = post
  if (embed === undefined) return undefined
  if (embed.record === undefined) return embed.media
  const record = recordView(h, post, embed.record, depth)
  if (embed.media === undefined) return `{"$type":"app.bsky.embed.record#view","record":${record}}`
  return `{"$type":"app.bsky.embed.recordWithMedia#view","media":${embed.media},"record":{"record":${record}}}`
}

/** The quoted record, or what stands in its place. */
function recordView(h: Hydration, by: Post, uri: string, depth: number): Json {
  const ref = by.quote
  if (ref === undefined) return h.embedded.get(uri) ?? embedStub('viewNotFound', 'notFound', uri)
  if (viewerBlocks(h, ref.aid) || blockBetween(h, by.aid, ref.aid))
    return embedStub('viewBlocked', 'blocked', uri, `,"author":${blockedAuthor(h, ref)}`)
  const post = h.posts.get(ref.key)
  const author = post && h.actors.get(post.aid)
  if (author === undefined) return embedStub('viewNotFound', 'notFound', uri)
  const { postgate } = post!
  if (postgate?.detached.has(by.uri) || (postgate?.disabled && by.aid !== post!.aid))
    return embedStub('viewDetached', 'detached', uri)
  return quotedView(h, post!, profileBasic(author, h.relations.get(ref.aid)), depth)
}

function quotedView(h: Hydration, post: Post, author: Json, depth: number): Json {
  const embed = depth < 2 ? embedView(h, post, depth + 1) : undefined
  const embeds = depth < 2 ? `,"embeds":[${embed ?? ''}]` : ''
  const counts = h.counts.get(post.key)!.text
  return `{"$type":"app.bsky.embed.record#viewRecord",${post.names},"author":${author},"value":${post.record}${counts}${post.dates}${embeds}}`
}

function embedStub(type: string, flag: string, uri: string, more = ''): Json {
  return `{"$type":"app.bsky.embed.record#${type}","uri":${JSON.stringify(uri)},"${flag}":true${more}}`
}
