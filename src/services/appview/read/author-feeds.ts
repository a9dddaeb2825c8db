import type { Sql } from '#platform/storage'
import { cursorOf, readCursor } from './cursor.ts'
import {
  type FeedEntry,
  MEDIA_FLAG,
  OWN_THREAD_FLAG,
  REPLY_FLAG,
  VIDEO_FLAG,
} from './feed-entry.ts'

/** Filters of getAuthorFeed, as conditions on rows of feed_item. Reposts have no flags. */
const FILTERS: Record<string, string> = {
  posts_with_replies: '',
  posts_no_replies: `and (kind = 1 or flags & ${REPLY_FLAG} = 0)`,
  posts_with_media: `and flags & ${MEDIA_FLAG} <> 0`,
  posts_with_video: `and flags & ${VIDEO_FLAG} <> 0`,
  posts_and_author_threads: `and (kind = 1 or flags & ${REPLY_FLAG} = 0 or flags & ${OWN_THREAD_FLAG} <> 0)`,
}

export interface FeedPage {
  entries: FeedEntry[]
  cursor: string | undefined
}

/** What one account posted and reposted, newest first: one range of one index. */
export class AuthorFeeds {
  readonly #sql: Sql

  constructor({ sql }: { sql: Sql }) {
    this.#sql = sql
  }

  /** An unknown filter is no filter, as with the reference. */
  async page(
    aid: number,
    { filter, cursor, limit }: { filter: string; cursor: string | undefined; limit: number },
  ): Promise<FeedPage> {
    const from = cursor === undefined ? undefined : readCursor(cursor, 2)
    const rows = await this.#sql.all<FeedEntry>(
      `select aid, sort_us as "sortUs", kind, rkey, subject_aid || '/' || subject_rkey as post
       from feed_item where aid = ? ${from ? 'and (sort_us, kind, rkey) < (?, ?, ?)' : ''}
       ${FILTERS[filter] ?? ''} order by sort_us desc, kind desc, rkey desc limit ?`,
      [aid, ...(from ? [...from.numbers, from.text] : []), limit],
    )
    const last = rows.length < limit ? undefined : rows[rows.length - 1]
    return { entries: rows, cursor: last && cursorOf(last.sortUs, last.kind, last.rkey) }
  }
}
