import type { Sql, SqlValue } from '#platform/storage'
import { REASONS, type Reason } from '../index/batch.ts'
import { cursorOf, readCursor } from './cursor.ts'
import { POST_KIND, REPLY_FLAG } from './feed-entry.ts'
import { marks, padded, pieces } from './lists.ts'
import type { Subscription } from './subscriptions.ts'

/** A notification as it is stored. */
export interface NoticeRow {
  author: number
  rkey: string
  reason: Reason
  sortUs: number
  /** Key of what it is about: the post that was liked, answered, quoted; the repost; the starter pack. */
  subject: string | undefined
}

export interface NoticePage {
  notices: NoticeRow[]
  cursor: string | undefined
}

/** Which notifications are asked for. */
export interface NoticesWanted {
  reasons: readonly Reason[]
  /** Whose posts are to be told, where that is among the reasons. */
  subscriptions: ReadonlyMap<number, Subscription>
}

interface Row {
  author_aid: number
  rkey: string
  reason: number
  sort_us: number
  subject_aid: number | null
  subject_rkey: string | null
}

/** Notifications beyond this are not counted: a client shows `30+`. */
const UNREAD_MAX = 100
/** Subscriptions of one query. */
const FEEDS_AT_ONCE = 16
const SUBSCRIBED = REASONS.indexOf('subscribed-post')
const COLUMNS = 'author_aid, rkey, reason, sort_us, subject_aid, subject_rkey'

/** Notifications of an account, and how far it has read them. */
export class Notices {
  readonly #sql: Sql
  /** Accounts whose word on who others are is told. */
  readonly verifiers: ReadonlySet<string>

  constructor({ sql, verifiers }: { sql: Sql; verifiers: readonly string[] }) {
    this.#sql = sql
    this.verifiers = new Set(verifiers)
  }

  /** Newest first. */
  async page(
    aid: number,
    { cursor, limit, ...wanted }: NoticesWanted & { cursor: string | undefined; limit: number },
  ): Promise<NoticePage> {
    const from = cursor === undefined ? undefined : readCursor(cursor, 3)
    const rows = await this.#rows(aid, wanted, {
      after: from && [...from.numbers, from.text],
      sinceUs: 0,
      limit,
    })
    const last = rows.length < limit ? undefined : rows.at(-1)
    return {
      notices: rows.map(noticeOf),
      cursor: last && cursorOf(last.sort_us, last.author_aid, last.reason, last.rkey),
    }
  }

  /** Until when the account has seen its notifications, in microseconds. */
  async seenUs(aid: number): Promise<number | undefined> {
    const row = await this.#sql.get<{ seen_us: number }>('select seen_us from seen where aid = ?', [
      aid,
    ])
    return row?.seen_us
  }

  async setSeen(aid: number, seenUs: number): Promise<void> {
    await this.#sql.run(
      `insert into seen (aid, seen_us) values (?, ?)
       on conflict (aid) do update set seen_us = excluded.seen_us`,
      [aid, seenUs],
    )
  }

  /** The newest unread notifications, at most UNREAD_MAX. */
  async unread(
    aid: number,
    { seenUs, ...wanted }: NoticesWanted & { seenUs: number },
  ): Promise<NoticeRow[]> {
    const bounds = { after: undefined, sinceUs: seenUs + 1, limit: UNREAD_MAX }
    return (await this.#rows(aid, wanted, bounds)).map(noticeOf)
  }

  /** What was stored for the account, merged with what those posted of whom it wants to be told. */
  async #rows(aid: number, wanted: NoticesWanted, bounds: Bounds): Promise<Row[]> {
    const reasons = wanted.reasons.map((reason) => REASONS.indexOf(reason))
    if (reasons.length === 0) return []
    const { after, sinceUs, limit } = bounds
    const isAll = reasons.length === REASONS.length
    const stored = await this.#sql.all<Row>(
      `select ${COLUMNS} from notice where aid = ? and sort_us >= ?
       ${isAll ? '' : `and reason in (${marks(reasons.length)})`}
       ${after ? 'and (sort_us, author_aid, reason, rkey) < (?, ?, ?, ?)' : ''}
       order by sort_us desc, author_aid desc, reason desc, rkey desc limit ?`,
      [aid, sinceUs, ...(isAll ? [] : padded(reasons)), ...(after ?? []), limit],
    )
    if (wanted.subscriptions.size === 0 || !reasons.includes(SUBSCRIBED)) return stored
    const posts: Row[] = []
    for (const piece of pieces([...wanted.subscriptions], FEEDS_AT_ONCE))
      posts.push(...(await this.#subscribed(aid, piece, bounds)))
    return [...stored, ...posts].sort(compareRows).slice(0, limit)
  }

  /** Posts of some accounts, but for those that the reader is told of for another reason. */
  #subscribed(
    aid: number,
    feeds: readonly (readonly [number, Subscription])[],
    { after, sinceUs, limit }: Bounds,
  ): Promise<Row[]> {
    // `<=`, so that the order is the index's; `+`, so that notices are found by their record.
    const one = `select * from (select f.aid as author_aid, f.rkey, ${SUBSCRIBED} as reason, f.sort_us,
        null as subject_aid, null as subject_rkey from feed_item f
      where f.aid = ? and f.kind <= ${POST_KIND} and f.flags & ${REPLY_FLAG} between ? and ?
        and f.sort_us between ? and ?
        ${after ? `and (f.sort_us, f.aid, ${SUBSCRIBED}, f.rkey) < (?, ?, ?, ?)` : ''}
        and not exists (select 1 from notice n
          where n.author_aid = f.aid and n.rkey = f.rkey and +n.aid = ?)
      order by f.sort_us desc, f.kind desc, f.rkey desc limit ?) part`
    const params = feeds.flatMap(([author, { posts, replies, sinceUs: fromUs }]) => [
      author,
      posts ? 0 : REPLY_FLAG,
      replies ? REPLY_FLAG : 0,
      Math.max(sinceUs, fromUs),
      after ? after[0]! : Number.MAX_SAFE_INTEGER,
      ...(after ?? []),
      aid,
      limit,
    ])
    return this.#sql.all<Row>(Array(feeds.length).fill(one).join(' union all '), params)
  }
}

/** Which part of the notifications is read. */
interface Bounds {
  /** The keys of the row before. */
  after: SqlValue[] | undefined
  sinceUs: number
  limit: number
}

function compareRows(a: Row, b: Row): number {
  if (a.sort_us !== b.sort_us) return b.sort_us - a.sort_us
  if (a.author_aid !== b.author_aid) return b.author_aid - a.author_aid
  if (a.reason !== b.reason) return b.reason - a.reason
  return a.rkey < b.rkey ? 1 : -1
}

function noticeOf(row: Row): NoticeRow {
  return {
    author: row.author_aid,
    rkey: row.rkey,
    reason: REASONS[row.reason]!,
    sortUs: row.sort_us,
    subject: row.subject_aid === null ? undefined : `${row.subject_aid}/${row.subject_rkey}`,
  }
}
