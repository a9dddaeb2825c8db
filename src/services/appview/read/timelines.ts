import type { Sql } from '#platform/storage'
import type { FeedPage } from './author-feeds.ts'
import { Cache, type Changes } from './cache.ts'
import { cursorOf, readCursor } from './cursor.ts'
import { compareEntries, type FeedEntry } from './feed-entry.ts'
import { mergeRecent, RecentFeed } from './recent-feed.ts'

/** Accounts whose newest entries are kept in memory. */
const AUTHORS_MAX = 4_000
const VIEWERS_MAX = 2_000
/** Authors loaded for one page; with more of them missing the page comes from SQL, and the next finds these. */
const LOAD_MAX = 64
/** How often older entries are loaded for one page before it is left to SQL. */
const ROUNDS_MAX = 4
/** Authors of one query. */
const LOAD_AT_ONCE = 16

const LISTS_MAX = 500
/** Accounts of a list whose posts are shown. */
const MEMBERS_MAX = 2_000
const MEMBERS = `select subject_aid as aid from list_item
  where aid = ? and list_rkey = ? order by rkey desc limit ?`

const COLUMNS = `aid, sort_us as "sortUs", kind, rkey, subject_aid || '/' || subject_rkey as post`

/**
 * Following feeds: what an account and those it follows posted and reposted, newest first. Merged
 * from the newest entries of each author, kept in memory and lengthened as far as pages go; deeper
 * ones are read by SQL. Both give the same pages.
 */
export class Timelines {
  readonly #sql: Sql
  readonly #changes: Changes
  readonly #recent: Cache<number, RecentFeed>
  readonly #follows: Cache<number, readonly number[]>
  readonly #lists: Cache<string, readonly number[]>

  constructor({ sql, changes }: { sql: Sql; changes: Changes }) {
    this.#sql = sql
    this.#changes = changes
    this.#recent = new Cache(changes, AUTHORS_MAX)
    this.#follows = new Cache(changes, VIEWERS_MAX)
    this.#lists = new Cache(changes, LISTS_MAX)
  }

  async page(
    viewerAid: number,
    { cursor, limit }: { cursor: string | undefined; limit: number },
  ): Promise<FeedPage> {
    const after = cursor === undefined ? undefined : entryAt(cursor)
    const entries =
      (await this.#merged(await this.#authors(viewerAid), after, limit)) ??
      (await this.#followed(viewerAid, after, limit))
    return pageOf(entries, limit)
  }

  /** What those on a list posted and reposted: of a longer list, those who came on it last. */
  async listPage(
    [aid, rkey]: readonly [number, string],
    { cursor, limit }: { cursor: string | undefined; limit: number },
  ): Promise<FeedPage> {
    const after = cursor === undefined ? undefined : entryAt(cursor)
    const members = await this.#members(aid, rkey)
    const entries =
      (await this.#merged(members, after, limit)) ??
      (await this.#selected(
        `(select distinct aid from (${MEMBERS}) part) w cross join feed_item f where f.aid = w.aid`,
        {
          params: [aid, rkey, MEMBERS_MAX],
          after,
          limit,
        },
      ))
    return pageOf(entries, limit)
  }

  /** Entries came into feeds. */
  add(entry: FeedEntry): void {
    this.#recent.get(entry.aid)?.add(entry)
  }

  /** Entries went from feeds. */
  remove(entry: FeedEntry): void {
    this.#recent.get(entry.aid)?.remove(entry)
  }

  /** The account follows more or fewer than before. */
  dropFollows(aid: number): void {
    this.#follows.drop(aid)
  }

  /** Somebody came on the list, or went. */
  dropList(key: string): void {
    this.#lists.drop(key)
  }

  /** From memory; undefined when what is there does not reach. */
  async #merged(
    authors: readonly number[],
    after: FeedEntry | undefined,
    limit: number,
  ): Promise<FeedEntry[] | undefined> {
    const feeds: RecentFeed[] = []
    const missing: number[] = []
    for (const aid of authors) {
      const feed = this.#recent.get(aid)
      if (feed === undefined) missing.push(aid)
      else feeds.push(feed)
    }
    for (let i = 0; i < missing.length && i < LOAD_MAX; i += LOAD_AT_ONCE)
      feeds.push(...(await this.#load(missing.slice(i, i + LOAD_AT_ONCE))))
    if (missing.length > LOAD_MAX) return undefined
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const merged = mergeRecent(feeds, after, limit)
      if ('page' in merged) return merged.page
      if (!(await this.#extend(merged.short))) return undefined
    }
    return undefined
  }

  /** Loads what comes before the known entries of some feeds; false where that cannot be kept. */
  async #extend(feeds: readonly RecentFeed[]): Promise<boolean> {
    const oldest = feeds.map((feed) => feed.extensible)
    if (feeds.length > LOAD_AT_ONCE || !oldest.every((entry) => entry !== undefined)) return false
    const { version } = this.#changes
    const one = `select * from (select ${COLUMNS} from feed_item
      where aid = ? and (sort_us, kind, rkey) < (?, ?, ?)
      order by sort_us desc, kind desc, rkey desc limit ${RecentFeed.LOADED}) part`
    const rows = await this.#sql.all<FeedEntry>(
      Array(feeds.length).fill(one).join(' union all '),
      oldest.flatMap(({ aid, sortUs, kind, rkey }) => [aid, sortUs, kind, rkey]),
    )
    // What came or went meanwhile would be missing.
    if (version !== this.#changes.version) return false
    const entries = Map.groupBy(rows, (row) => row.aid)
    for (const [i, feed] of feeds.entries()) feed.extend(entries.get(oldest[i]!.aid) ?? [])
    return true
  }

  /** The account itself and those it follows. */
  async #authors(viewerAid: number): Promise<readonly number[]> {
    const known = this.#follows.get(viewerAid)
    if (known !== undefined) return known
    const { version } = this.#changes
    const rows = await this.#sql.all<{ aid: number }>(
      'select subject_aid as aid from follow where aid = ? and counted = 1 and subject_aid <> ?',
      [viewerAid, viewerAid],
    )
    const authors = [viewerAid, ...rows.map((row) => row.aid)]
    this.#follows.fill(version, viewerAid, authors)
    return authors
  }

  async #members(aid: number, rkey: string): Promise<readonly number[]> {
    const key = `${aid}/${rkey}`
    const known = this.#lists.get(key)
    if (known !== undefined) return known
    const { version } = this.#changes
    const rows = await this.#sql.all<{ aid: number }>(MEMBERS, [aid, rkey, MEMBERS_MAX])
    const members = [...new Set(rows.map((row) => row.aid))]
    this.#lists.fill(version, key, members)
    return members
  }

  async #load(aids: readonly number[]): Promise<RecentFeed[]> {
    const { version } = this.#changes
    const one = `select * from (select ${COLUMNS} from feed_item where aid = ?
      order by sort_us desc, kind desc, rkey desc limit ${RecentFeed.LOADED}) part`
    const rows = await this.#sql.all<FeedEntry>(Array(LOAD_AT_ONCE).fill(one).join(' union all '), [
      ...aids,
      ...Array<number>(LOAD_AT_ONCE - aids.length).fill(0),
    ])
    const entries = Map.groupBy(rows, (row) => row.aid)
    return aids.map((aid) => {
      const feed = new RecentFeed(entries.get(aid) ?? [])
      this.#recent.fill(version, aid, feed)
      return feed
    })
  }

  async #followed(
    viewerAid: number,
    after: FeedEntry | undefined,
    limit: number,
  ): Promise<FeedEntry[]> {
    const followed = await this.#selected(
      `follow w cross join feed_item f
        where w.aid = ? and w.counted = 1 and w.subject_aid <> ? and f.aid = w.subject_aid`,
      { params: [viewerAid, viewerAid], after, limit },
    )
    const own = await this.#selected('feed_item f where f.aid = ?', {
      params: [viewerAid],
      after,
      limit,
    })
    return [...followed, ...own].sort(compareEntries).slice(0, limit)
  }

  /** By SQL: each author's entries are in order, so the page is full after few rows of each. */
  #selected(
    source: string,
    {
      params,
      after,
      limit,
    }: { params: (number | string)[]; after: FeedEntry | undefined; limit: number },
  ): Promise<FeedEntry[]> {
    const from = after && [after.sortUs, after.aid, after.kind, after.rkey]
    return this.#sql.all<FeedEntry>(
      `select f.aid, f.sort_us as "sortUs", f.kind, f.rkey,
         f.subject_aid || '/' || f.subject_rkey as post from ${source}
       ${from ? 'and (f.sort_us, f.aid, f.kind, f.rkey) < (?, ?, ?, ?)' : ''}
       order by f.sort_us desc, f.aid desc, f.kind desc, f.rkey desc limit ?`,
      [...params, ...(from ?? []), limit],
    )
  }
}

function pageOf(entries: FeedEntry[], limit: number): FeedPage {
  const last = entries.length < limit ? undefined : entries[entries.length - 1]
  return { entries, cursor: last && cursorOf(last.sortUs, last.aid, last.kind, last.rkey) }
}

function entryAt(cursor: string): FeedEntry {
  const { numbers, text } = readCursor(cursor, 3)
  const [sortUs, aid, kind] = numbers as [number, number, number]
  return { aid, sortUs, kind, rkey: text, post: '' }
}
