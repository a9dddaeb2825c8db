import type { Sql } from '#platform/storage'
import { cidText } from '#protocol/data'
import { REASONS, type Reason } from '../index/batch.ts'
import { subjectUri } from '../index/record-subject.ts'
import { cursorOf, readCursor } from './cursor.ts'
import { marks, padded, paddedPairs, pairMarks, pieces } from './lists.ts'

/** A notification as it is stored, with the record behind it. */
export interface NoticeRow {
  author: number
  rkey: string
  reason: Reason
  sortUs: number
  /** Key of the post it is about: liked, answered, quoted. */
  subject: string | undefined
}

export interface NoticePage {
  notices: NoticeRow[]
  cursor: string | undefined
}

/** A record behind a notification that is no post. */
export interface NoticedRecord {
  cid: string
  json: string
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
const UNREAD_MAX = 200

/** Notifications of an account, and how far it has read them. */
export class Notices {
  readonly #sql: Sql

  constructor({ sql }: { sql: Sql }) {
    this.#sql = sql
  }

  /** Newest first, of the given reasons. */
  async page(
    aid: number,
    {
      cursor,
      limit,
      reasons,
    }: { cursor: string | undefined; limit: number; reasons: readonly Reason[] },
  ): Promise<NoticePage> {
    if (reasons.length === 0) return { notices: [], cursor: undefined }
    const from = cursor === undefined ? undefined : readCursor(cursor, 3)
    const wanted = reasons.map((reason) => REASONS.indexOf(reason))
    const rows = await this.#sql.all<Row>(
      `select author_aid, rkey, reason, sort_us, subject_aid, subject_rkey from notice
       where aid = ? and reason in (${marks(wanted.length)})
       ${from ? 'and (sort_us, author_aid, reason, rkey) < (?, ?, ?, ?)' : ''}
       order by sort_us desc, author_aid desc, reason desc, rkey desc limit ?`,
      [aid, ...padded(wanted), ...(from ? [...from.numbers, from.text] : []), limit],
    )
    const last = rows.length < limit ? undefined : rows[rows.length - 1]
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
    { seenUs, reasons }: { seenUs: number; reasons: readonly Reason[] },
  ): Promise<NoticeRow[]> {
    if (reasons.length === 0) return []
    const wanted = reasons.map((reason) => REASONS.indexOf(reason))
    const rows = await this.#sql.all<Row>(
      `select author_aid, rkey, reason, sort_us, subject_aid, subject_rkey from notice
       where aid = ? and sort_us > ? and reason in (${marks(wanted.length)})
       order by sort_us desc limit ?`,
      [aid, seenUs, ...padded(wanted), UNREAD_MAX],
    )
    return rows.map(noticeOf)
  }

  /** The likes, reposts and follows behind notifications, by `reason author/rkey`. */
  async records(notices: readonly NoticeRow[]): Promise<Map<string, NoticedRecord>> {
    const found = new Map<string, NoticedRecord>()
    for (const reason of ['like', 'repost', 'follow'] as const) {
      const keys = notices
        .filter((notice) => notice.reason === reason)
        .map(({ author, rkey }): [number, string] => [author, rkey])
      for (const piece of pieces(keys))
        for (const row of await this.#edgeRows(reason, piece))
          found.set(`${reason} ${row.aid}/${row.rkey}`, recordOf(reason, row))
    }
    return found
  }

  async #edgeRows(reason: EdgeReason, keys: [number, string][]): Promise<EdgeRow[]> {
    const { table, isToRecord } = EDGE_TABLES[reason]
    return this.#sql.all<EdgeRow>(
      `select e.aid, e.rkey, e.cid, e.created_at, e.body, s.did
         ${isToRecord ? ', e.subject, e.subject_cid' : ''}
       from ${table} e join actor s on s.aid = e.subject_aid
       where (e.aid, e.rkey) in (${pairMarks(keys.length)})`,
      paddedPairs(keys),
    )
  }
}

type EdgeReason = 'like' | 'repost' | 'follow'

interface EdgeRow {
  aid: number
  rkey: string
  cid: Uint8Array
  created_at: string
  body: string | null
  /** DID of the subject. */
  did: string
  subject?: string
  subject_cid?: string
}

const EDGE_TABLES = {
  like: { table: 'feed_like', type: 'app.bsky.feed.like', isToRecord: true },
  repost: { table: 'repost', type: 'app.bsky.feed.repost', isToRecord: true },
  follow: { table: 'follow', type: 'app.bsky.graph.follow', isToRecord: false },
} as const

/** The record of an edge, from its body or from its columns. */
function recordOf(reason: EdgeReason, row: EdgeRow): NoticedRecord {
  const cid = cidText(row.cid)
  if (row.body !== null) return { cid, json: row.body }
  const { type, isToRecord } = EDGE_TABLES[reason]
  const subject = isToRecord
    ? { cid: row.subject_cid, uri: subjectUri(row.did, row.subject!) }
    : row.did
  return { cid, json: JSON.stringify({ $type: type, subject, createdAt: row.created_at }) }
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
