import type { Sql } from '#platform/storage'
import { cidText } from '#protocol/data'
import type { Did } from '#protocol/syntax'
import { invalidRequest } from '#protocol/xrpc'
import { cursorOf, readCursor as readSortCursor } from './cursor.ts'
import type { Viewer } from './hydrate.ts'
import { paddedPairs, pairMarks, pieces } from './lists.ts'
import { type RecordMarks, recordMarks } from './record-marks.ts'

export const GENERATOR = 'app.bsky.feed.generator'

/** A feed as its publisher describes it. */
export interface Generator {
  aid: number
  rkey: string
  cid: string
  /** The service that makes it. */
  did: Did
  record: Record<string, unknown>
  indexedMs: number
}

interface Row {
  aid: number
  rkey: string
  cid: Uint8Array
  body: string
  indexed_ms: number
}

interface PageOf {
  cursor: string | undefined
  limit: number
}

/** Feeds as records: found by key, by publisher, by age. */
export class Generators {
  readonly #sql: Sql

  constructor({ sql }: { sql: Sql }) {
    this.#sql = sql
  }

  async byKeys(keys: readonly (readonly [aid: number, rkey: string])[]): Promise<Generator[]> {
    const found: Generator[] = []
    for (const piece of pieces(keys)) {
      const rows = await this.#sql.all<Row>(
        `select aid, rkey, cid, body, indexed_ms from record
         where collection = ? and (aid, rkey) in (${pairMarks(piece.length)})`,
        [GENERATOR, ...paddedPairs(piece)],
      )
      found.push(...rows.map(generatorOf))
    }
    return found
  }

  /** Feeds of one publisher, by record key. */
  async of(aid: number, { cursor, limit }: PageOf) {
    const rows = await this.#sql.all<Row>(
      `select aid, rkey, cid, body, indexed_ms from record
       where aid = ? and collection = ? and rkey > ? order by rkey limit ?`,
      [aid, GENERATOR, cursor ?? '', limit],
    )
    const next = rows.length < limit ? undefined : rows.at(-1)!.rkey
    return { generators: rows.map(generatorOf), cursor: next }
  }

  /** Every feed known here, the newest first. */
  async newest({ cursor, limit }: PageOf) {
    const [ms, aid, rkey] = readCursor(cursor)
    const rows = await this.#sql.all<Row>(
      `select aid, rkey, cid, body, indexed_ms from record
       where collection = ?1 and indexed_ms <= ?2
         and not (indexed_ms = ?2 and (aid, rkey) <= (?3, ?4))
       order by indexed_ms desc, aid, rkey limit ?5`,
      [GENERATOR, ms, aid, rkey, limit],
    )
    const last = rows.length < limit ? undefined : rows.at(-1)
    const next = last && `${last.indexed_ms}:${last.aid}:${last.rkey}`
    return { generators: rows.map(generatorOf), cursor: next }
  }

  /** Feeds that most people like first; a cursor may follow any of them. */
  async mostLiked({ cursor, limit }: PageOf) {
    const from = cursor === undefined ? undefined : readSortCursor(cursor, 2)
    const [likes = Number.MAX_SAFE_INTEGER, aid = 0] = from?.numbers ?? []
    const rows = await this.#sql.all<{ aid: number; subject: string; likes: number }>(
      `select aid, subject, likes from subject_count
       where subject >= 'app.bsky.feed.generator/' and subject < 'app.bsky.feed.generator0'
         and likes <= ?1 and not (likes = ?1 and (aid, subject) <= (?2, ?3))
       order by likes desc, aid, subject limit ?4`,
      [likes, aid, from ? `${GENERATOR}/${from.text}` : '', limit],
    )
    const keys = rows.map((row) => [row.aid, row.subject.slice(GENERATOR.length + 1)] as const)
    const found = await this.byKeys(keys)
    const byKey = new Map(found.map((one) => [`${one.aid}/${one.rkey}`, one]))
    const cursors = new Map(
      keys.map(([owner, rkey], i) => [`${owner}/${rkey}`, cursorOf(rows[i]!.likes, owner, rkey)]),
    )
    const last = rows.length < limit ? undefined : keys.at(-1)
    return {
      generators: keys.map((key) => byKey.get(key.join('/'))).filter((one) => one !== undefined),
      cursor: last && cursors.get(last.join('/')),
      cursorAt: (one: Generator) => cursors.get(`${one.aid}/${one.rkey}`),
    }
  }

  /** Likes of each, and the viewer's own. */
  async marks(
    generators: readonly Generator[],
    viewer: Viewer | undefined,
  ): Promise<Map<Generator, RecordMarks>> {
    const keys = generators.map(({ aid, rkey }) => [aid, `${GENERATOR}/${rkey}`] as const)
    const marks = await recordMarks(this.#sql, keys, viewer?.aid ?? 0)
    return new Map(generators.map((generator, i) => [generator, marks[i]!]))
  }
}

function generatorOf(row: Row): Generator {
  const record = JSON.parse(row.body) as Record<string, unknown>
  const { aid, rkey } = row
  const did = record.did as Did
  return { aid, rkey, cid: cidText(row.cid), did, record, indexedMs: row.indexed_ms }
}

function readCursor(cursor: string | undefined): [ms: number, aid: number, rkey: string] {
  if (cursor === undefined) return [Number.MAX_SAFE_INTEGER, 0, '']
  const [ms, aid, rkey, ...rest] = cursor.split(':')
  if (
    !Number.isSafeInteger(Number(ms)) ||
    !Number.isSafeInteger(Number(aid)) ||
    !rkey ||
    rest.length
  )
    throw invalidRequest('invalid cursor')
  return [Number(ms), Number(aid), rkey]
}
