import type { AppBskyDraftDefs } from '@atcute/bluesky'
import type { Sql } from '#platform/storage'
import { utf8Length } from '#protocol/lexicon'
import { type Did, type Tid, TidClock } from '#protocol/syntax'
import { invalidRequest, XrpcError } from '#protocol/xrpc'
import type { Batch } from '../index/batch.ts'
import type { IndexWriter } from '../index/writer.ts'
import { cursorOf, readCursor } from '../read/cursor.ts'
import { marks, padded } from '../read/lists.ts'

/** Drafts of one account, and bytes of all of them together. */
const DRAFTS_MAX = 500
const TOTAL_BYTES_MAX = 10_000_000
/** The lexicon lets one draft hold a hundred posts of ten thousand letters. */
const DRAFT_BYTES_MAX = 500_000
/** A page ends early at this many bytes; one draft it always has. */
const PAGE_BYTES_MAX = 2_000_000

export interface Draft {
  id: Tid
  createdMs: number
  updatedMs: number
  /** `app.bsky.draft.defs#draft` as it was given. */
  body: string
}

interface Row {
  id: Tid
  created_ms: number
  updated_ms: number
  body: string
}

/** What accounts have begun to write. Pictures and films stay on the device that drafted. */
export class Drafts {
  readonly #sql: Sql
  readonly #writer: IndexWriter
  readonly #tids: TidClock

  constructor({ sql, writer, now }: { sql: Sql; writer: IndexWriter; now: () => number }) {
    this.#sql = sql
    this.#writer = writer
    this.#tids = new TidClock(now, 0)
  }

  /** Throws DraftLimitReached. */
  async create(viewer: Did, draft: AppBskyDraftDefs.Draft): Promise<Tid> {
    const body = bodyOf(draft)
    const id = this.#tids.next()
    await this.#writer.write(async (batch) => {
      const times = { createdMs: batch.nowMs, updatedMs: batch.nowMs }
      await putDraft(batch, await batch.aidOf(viewer), { id, body, ...times })
    })
    return id
  }

  /** Nothing happens where there is no such draft. Throws DraftLimitReached for one that grew too much. */
  async update(viewer: Did, id: Tid, draft: AppBskyDraftDefs.Draft): Promise<void> {
    const body = bodyOf(draft)
    await this.#writer.write(async (batch) => {
      const aid = await batch.aidOf(viewer)
      const before = await batch.sql.get<{ bytes: number }>(
        'select bytes from draft where aid = ? and id = ?',
        [aid, id],
      )
      if (before === undefined) return
      const bytes = utf8Length(body)
      await requireDraftRoom(batch, aid, { drafts: 0, bytes: bytes - before.bytes })
      await batch.sql.run(
        'update draft set body = ?, bytes = ?, updated_ms = ? where aid = ? and id = ?',
        [body, bytes, batch.nowMs, aid, id],
      )
    })
  }

  /** Nothing happens where there is no such draft. */
  async remove(viewer: Did, id: Tid): Promise<void> {
    await this.#writer.write(async (batch) => {
      await batch.sql.run('delete from draft where aid = ? and id = ?', [
        await batch.aidOf(viewer),
        id,
      ])
    })
  }

  /** The last changed first; fewer than `limit` where they are long. */
  async page(
    aid: number,
    { cursor, limit }: { cursor: string | undefined; limit: number },
  ): Promise<{ drafts: Draft[]; cursor: string | undefined }> {
    const from = cursor === undefined ? undefined : readCursor(cursor, 1)
    const rows = await this.#sql.all<{ id: Tid; updated_ms: number; bytes: number }>(
      `select id, updated_ms, bytes from draft where aid = ?
       ${from ? 'and (updated_ms, id) < (?, ?)' : ''} order by updated_ms desc, id desc limit ?`,
      [aid, ...(from ? [...from.numbers, from.text] : []), limit],
    )
    const fitting = rows.slice(0, countFitting(rows))
    const bodies = await this.#bodies(
      aid,
      fitting.map(({ id }) => id),
    )
    const isEnd = fitting.length === rows.length && rows.length < limit
    const last = isEnd ? undefined : fitting.at(-1)
    return {
      drafts: fitting.flatMap(({ id }) => bodies.get(id) ?? []),
      cursor: last && cursorOf(last.updated_ms, last.id),
    }
  }

  async #bodies(aid: number, ids: readonly Tid[]): Promise<Map<Tid, Draft>> {
    if (ids.length === 0) return new Map()
    const rows = await this.#sql.all<Row>(
      `select id, created_ms, updated_ms, body from draft
       where aid = ? and id in (${marks(ids.length)})`,
      [aid, ...padded(ids)],
    )
    return new Map(rows.map((row) => [row.id, draftOf(row)]))
  }
}

/** Puts a draft within a transaction; nothing when there is one of that name. Throws DraftLimitReached. */
export async function putDraft(
  batch: Batch,
  aid: number,
  { id, body, createdMs, updatedMs }: Draft,
): Promise<void> {
  const known = await batch.sql.get('select 1 from draft where aid = ? and id = ?', [aid, id])
  if (known !== undefined) return
  const bytes = utf8Length(body)
  await requireDraftRoom(batch, aid, { drafts: 1, bytes })
  await batch.sql.run(
    'insert into draft (aid, id, bytes, created_ms, updated_ms, body) values (?, ?, ?, ?, ?, ?)',
    [aid, id, bytes, createdMs, updatedMs, body],
  )
}

/** Asked before anything is written: `more` is what is to come. */
async function requireDraftRoom(
  batch: Batch,
  aid: number,
  more: { drafts: number; bytes: number },
): Promise<void> {
  const row = await batch.sql.get<{ count: number; bytes: number | null }>(
    'select count(*) as count, sum(bytes) as bytes from draft where aid = ?',
    [aid],
  )
  const { count, bytes } = row!
  if (count + more.drafts > DRAFTS_MAX || (bytes ?? 0) + more.bytes > TOTAL_BYTES_MAX)
    throw new XrpcError(
      400,
      'DraftLimitReached',
      `At most ${DRAFTS_MAX} drafts of together ${TOTAL_BYTES_MAX} bytes are kept`,
    )
}

/** A draft as it is kept. Throws InvalidRequest for one that is too long. */
export function bodyOf(draft: AppBskyDraftDefs.Draft): string {
  const body = JSON.stringify(draft)
  if (utf8Length(body) > DRAFT_BYTES_MAX)
    throw invalidRequest(`A draft has at most ${DRAFT_BYTES_MAX} bytes`)
  return body
}

function countFitting(rows: readonly { bytes: number }[]): number {
  let bytes = 0
  const end = rows.findIndex((row) => (bytes += row.bytes) > PAGE_BYTES_MAX)
  return end === -1 ? rows.length : Math.max(1, end)
}

function draftOf({ id, created_ms: createdMs, updated_ms: updatedMs, body }: Row): Draft {
  return { id, createdMs, updatedMs, body }
}
