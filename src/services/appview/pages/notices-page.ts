import type { Reason } from '../index/batch.ts'
import type { ReadParts } from '../parts.ts'
import type { RepostEnd } from '../read/edges.ts'
import type { Hydration, Viewer } from '../read/hydrate.ts'
import type { NoticeRow } from '../read/notices.ts'
import { splitKey } from '../read/relations.ts'
import { mayBeTold, type Subscription } from '../read/subscriptions.ts'
import { accountIsHeldBack, isHeldBack, threadMuted, viewerBlocks } from '../views/feed.ts'
import type { Post } from '../views/post.ts'

/** What a notification is about: a post, or a record of the reader's own that led to it. */
export function subjectKind(
  reason: Reason,
): 'post' | 'app.bsky.feed.repost' | 'app.bsky.graph.starterpack' {
  if (reason === 'starterpack-joined') return 'app.bsky.graph.starterpack'
  return isViaRepost(reason) ? 'app.bsky.feed.repost' : 'post'
}

/** Whether the record behind a notification is a post. */
export function isPostNotice(reason: Reason): boolean {
  return POST_REASONS.has(reason)
}

const POST_REASONS: ReadonlySet<Reason> = new Set(['reply', 'mention', 'quote', 'subscribed-post'])

export interface NoticesHydration extends Hydration {
  /** Reposts that led to likes and further reposts. */
  reposts: ReadonlyMap<string, RepostEnd>
}

const NO_REPOSTS: ReadonlyMap<string, RepostEnd> = new Map()

/** Those of the viewer's subscriptions that the accounts they are about allow. */
export async function subscriptionsInForce(
  { actors, relations, subscriptions }: Pick<ReadParts, 'actors' | 'relations' | 'subscriptions'>,
  viewer: Viewer,
): Promise<ReadonlyMap<number, Subscription>> {
  const all = await subscriptions.of(viewer.aid)
  if (all.size === 0) return all
  const accounts = await actors.load(all.keys())
  const related = await relations.load(viewer, accounts)
  return new Map([...all].filter(([aid]) => mayBeTold(accounts.get(aid), related.get(aid))))
}

/** Everything that tells whether notifications may be shown: their authors, posts and subjects. */
export async function hydrateNotices(
  { edges, hydrator }: Pick<ReadParts, 'edges' | 'hydrator'>,
  rows: readonly NoticeRow[],
  viewer: Viewer,
): Promise<NoticesHydration> {
  const via = rows.filter(({ reason }) => isViaRepost(reason)).map((row) => splitKey(row.subject!))
  const reposts = via.length === 0 ? NO_REPOSTS : await edges.reposts(via)
  const posts: string[] = []
  for (const { post } of reposts.values()) posts.push(post)
  for (const { subject, author, rkey, reason } of rows) {
    if (isPostNotice(reason)) posts.push(`${author}/${rkey}`)
    if (subject !== undefined && subjectKind(reason) === 'post') posts.push(subject)
  }
  const also = rows.map((row) => row.author)
  return { ...(await hydrator.page(viewer, posts, { context: true, also })), reposts }
}

/**
 * Leaves out who is hidden, blocked, muted, under review or not wanted, what is said in muted threads, what is about
 * posts that are gone, and replies that their thread's gate shuts out or the viewer has hidden in an
 * own thread. The list and the count of unread ones are the same by this.
 */
export function visibleNotices(
  rows: readonly NoticeRow[],
  h: NoticesHydration,
  wanted: { priority: boolean; byFollowed: ReadonlySet<Reason>; verifiers: ReadonlySet<string> },
): NoticeRow[] {
  return rows.filter((row) => {
    const { author, reason } = row
    const relation = h.relations.get(author)
    const actor = h.actors.get(author)
    if (actor === undefined || viewerBlocks(h, author) || relation?.muted) return false
    if (accountIsHeldBack(h, author)) return false
    if ((wanted.priority || wanted.byFollowed.has(reason)) && relation?.following === undefined)
      return false
    if (reason === 'verified' || reason === 'unverified') return wanted.verifiers.has(actor.did)
    return isSubjectHeard(h, row) && (!isPostNotice(reason) || isPostHeard(h, row))
  })
}

function isSubjectHeard(h: NoticesHydration, { reason, subject }: NoticeRow): boolean {
  if (subject === undefined || reason === 'starterpack-joined') return true
  const key = isViaRepost(reason) ? h.reposts.get(subject)?.post : subject
  return isHeard(h, key === undefined ? undefined : h.posts.get(key))
}

function isPostHeard(h: Hydration, { author, rkey, reason }: NoticeRow): boolean {
  const post = h.posts.get(`${author}/${rkey}`)
  if (post === undefined || !isHeard(h, post) || isHeldBack(h, post)) return false
  if (reason !== 'reply' && reason !== 'subscribed-post') return true
  if (h.gatedOff.has(post.key)) return false
  const root = post.root && h.posts.get(post.root.key)
  return root?.aid !== h.viewer!.aid || root.threadgate?.hidden.has(post.uri) !== true
}

/** The post is there, and not in a thread that the viewer mutes. */
function isHeard(h: Hydration, post: Post | undefined): boolean {
  return post !== undefined && !threadMuted(h, post)
}

function isViaRepost(reason: Reason): boolean {
  return reason === 'like-via-repost' || reason === 'repost-via-repost'
}
