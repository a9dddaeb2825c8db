import type { Sql } from '#platform/storage'
import { Cache, type Changes } from './cache.ts'
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

/** Accounts whose first pages are kept, and how many of each: by filter and length. */
const ACCOUNTS_MAX = 1_000
const PAGES_MAX = 3

interface PageWanted {
  filter: string
  cursor: string | undefined
  limit: number
}

/** What one account posted and reposted, newest first: one range of one index, its beginning in memory. */
export class AuthorFeeds {
  readonly #sql: Sql
  readonly #changes: Changes
  readonly #first: Cache<number, Map<string, FeedPage>>

  constructor({ sql, changes }: { sql: Sql; changes: Changes }) {
    this.#sql = sql
    this.#changes = changes
    this.#first = new Cache(changes, ACCOUNTS_MAX)
  }

  /** An unknown filter is no filter, as with the reference. */
  async page(aid: number, wanted: PageWanted): Promise<FeedPage> {
    if (wanted.cursor !== undefined || FILTERS[wanted.filter] === undefined)
      return this.#read(aid, wanted)
    const name = `${wanted.filter} ${wanted.limit}`
    const known = this.#first.get(aid)?.get(name)
    if (known !== undefined) return known
    const { version } = this.#changes
    const page = await this.#read(aid, wanted)
    const pages = this.#first.get(aid)
    if (pages === undefined) this.#first.fill(version, aid, new Map([[name, page]]))
    else if (version === this.#changes.version && pages.size < PAGES_MAX) pages.set(name, page)
    return page
  }

  /** Something came into the account's feed, or went. */
  drop(aid: number): void {
    this.#first.drop(aid)
  }

  async #read(aid: number, { filter, cursor, limit }: PageWanted): Promise<FeedPage> {
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
