import type { Reason } from '../index/batch.ts'
import type { ReadParts } from '../parts.ts'
import type { Hydration, Viewer } from '../read/hydrate.ts'
import type { NoticeRow } from '../read/notices.ts'
import { threadMuted, viewerBlocks } from '../views/feed.ts'
import type { Post } from '../views/post.ts'

/** Everything that tells whether notifications may be shown: their authors, posts and subjects. */
export function hydrateNotices(
  { hydrator }: Pick<ReadParts, 'hydrator'>,
  rows: readonly NoticeRow[],
  viewer: Viewer,
): Promise<Hydration> {
  const posts: string[] = []
  for (const { subject, author, rkey, reason } of rows) {
    if (isPost(reason)) posts.push(`${author}/${rkey}`)
    if (subject !== undefined) posts.push(subject)
  }
  return hydrator.page(viewer, posts, { context: true, also: rows.map((row) => row.author) })
}

/**
 * Leaves out who is hidden, blocked, muted or not wanted, what is said in muted threads, what is about posts that
 * are gone, and replies that their thread's gate shuts out or the viewer has hidden in an own thread.
 * The list and the count of unread ones are the same by this.
 */
export function visibleNotices(
  rows: readonly NoticeRow[],
  h: Hydration,
  { priority, byFollowed }: { priority: boolean; byFollowed: ReadonlySet<Reason> },
): NoticeRow[] {
  return rows.filter((row) => {
    const { author, reason, subject } = row
    const relation = h.relations.get(author)
    if (!h.actors.has(author) || viewerBlocks(h, author) || relation?.muted) return false
    if ((priority || byFollowed.has(reason)) && relation?.following === undefined) return false
    if (subject !== undefined && !isHeard(h, h.posts.get(subject))) return false
    return !isPost(reason) || isPostHeard(h, row)
  })
}

function isPostHeard(h: Hydration, { author, rkey, reason }: NoticeRow): boolean {
  const post = h.posts.get(`${author}/${rkey}`)
  if (post === undefined || !isHeard(h, post)) return false
  if (reason !== 'reply') return true
  if (h.gatedOff.has(post.key)) return false
  const root = post.root && h.posts.get(post.root.key)
  return root?.aid !== h.viewer!.aid || root.threadgate?.hidden.has(post.uri) !== true
}

/** The post is there, and not in a thread that the viewer mutes. */
function isHeard(h: Hydration, post: Post | undefined): boolean {
  return post !== undefined && !threadMuted(h, post)
}

function isPost(reason: Reason): boolean {
  return reason === 'reply' || reason === 'mention' || reason === 'quote'
}
