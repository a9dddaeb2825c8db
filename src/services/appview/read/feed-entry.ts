/** What an account put into feeds. Kinds as stored. */
export const POST_KIND = 0
export const REPOST_KIND = 1

/** Flags of a feed entry. */
export const REPLY_FLAG = 1
export const MEDIA_FLAG = 2
export const VIDEO_FLAG = 4
/** A reply in a thread that the same account began. */
export const OWN_THREAD_FLAG = 8

/** A row of feed_item: the order of feeds is by `sortUs`, `aid`, `kind`, `rkey`, newest first. */
export interface FeedEntry {
  aid: number
  sortUs: number
  kind: number
  rkey: string
  /** Key of the post: the account's own, or the reposted one. */
  post: string
}

/** Negative when the first comes first in a feed: it is newer. */
export function compareEntries(a: FeedEntry, b: FeedEntry): number {
  if (a.sortUs !== b.sortUs) return b.sortUs - a.sortUs
  if (a.aid !== b.aid) return b.aid - a.aid
  if (a.kind !== b.kind) return b.kind - a.kind
  return a.rkey < b.rkey ? 1 : a.rkey > b.rkey ? -1 : 0
}
