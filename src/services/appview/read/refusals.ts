import type { Sql } from '#platform/storage'
import type { RefusedRecord } from '#protocol/account'
import { type CidBytes, cidText } from '#protocol/data'
import type { Did } from '#protocol/syntax'
import { readCursor } from './cursor.ts'

interface Row {
  id: number
  did: Did
  path: string
  cid: CidBytes | null
  reason: string
  detail: string
  seen_ms: number
}

const SELECT = `select d.id, a.did, d.path, d.cid, d.reason, d.detail, d.seen_ms
  from dead_letter d join actor a on a.aid = d.aid`
/** What failed here is nobody's business but the operator's, whose log has it. */
const FAILED = 'no rule foresaw it; the log of the app view says more'

/** Records that cannot be indexed, and why. */
export class Refusals {
  readonly #sql: Sql

  constructor({ sql }: { sql: Sql }) {
    this.#sql = sql
  }

  /** The last seen first. */
  async page({ cursor, limit }: { cursor: string | undefined; limit: number }) {
    const [below] = cursor === undefined ? [Number.MAX_SAFE_INTEGER] : readCursor(cursor, 1).numbers
    const rows = await this.#sql.all<Row>(`${SELECT} where d.id < ? order by d.id desc limit ?`, [
      below!,
      limit,
    ])
    const last = rows.length < limit ? undefined : rows.at(-1)
    return { records: rows.map(refusalOf), cursor: last && `${last.id}:` }
  }

  /** All that are kept of one account. */
  async of(aid: number): Promise<RefusedRecord[]> {
    const rows = await this.#sql.all<Row>(`${SELECT} where d.aid = ?`, [aid])
    return rows.sort((a, b) => b.id - a.id).map(refusalOf)
  }
}

function refusalOf({ did, path, cid, reason, detail, seen_ms }: Row): RefusedRecord {
  return {
    uri: `at://${did}/${path}`,
    ...(cid !== null && { cid: cidText(cid) }),
    reason,
    detail: reason === 'failed' ? FAILED : detail,
    seenAt: new Date(seen_ms).toISOString(),
  }
}
