/** Operations of the upstream that do not verify: kept apart, so that somebody can look. */
import type { Sql } from '#platform/storage'
import { PLC_VERDICTS, type PlcVerdict, type SequencedPlcEntry } from '#protocol/identity'
import { datetimeMs, formatDatetime } from '#protocol/syntax'

/** Why an operation is held: it does not verify, or follows one that does not. */
export type HeldReason = PlcVerdict | 'FollowsHeld'
export const HELD_REASONS: readonly HeldReason[] = [...PLC_VERDICTS, 'FollowsHeld']

/** Operations kept; the oldest give way. An upstream that sends more than this sends nonsense. */
const HELD_MAX = 100_000
/** An operation is 4,000 bytes of CBOR today, and at most 24,000 as JSON. */
const BODY_MAX = 32 * 1024

interface HeldRow {
  seq: number
  did: string
  cid: string
  body: string
  reason: HeldReason
  createdMs: number
  heldMs: number
}

const INSERT = `insert into held (seq, did, cid, body, reason, created_ms, held_ms)
  values (?, ?, ?, ?, ?, ?, ?)`
const AFTER = `select seq, did, cid, body, reason, created_ms as "createdMs", held_ms as "heldMs"
  from held where seq > ? order by seq limit ?`
const TRIM = `delete from held where seq <= (select seq from held order by seq desc limit 1 offset ${HELD_MAX})`

export class Held {
  readonly #sql: Sql
  #count: number

  private constructor(sql: Sql, count: number) {
    this.#sql = sql
    this.#count = count
  }

  static async open(sql: Sql): Promise<Held> {
    const row = await sql.get<{ n: number }>('select count(*) as n from held')
    return new Held(sql, row?.n ?? 0)
  }

  /** How many are kept. */
  get count(): number {
    return this.#count
  }

  /** Within the transaction that moves the cursor. */
  async add(sql: Sql, entry: SequencedPlcEntry, reason: HeldReason, nowMs: number): Promise<void> {
    const { seq, did, cid, createdAt, operation } = entry
    const text = JSON.stringify(operation) ?? ''
    const body = text.length > BODY_MAX ? '' : text
    const name = cid.slice(0, 100)
    await sql.run(INSERT, [seq, did, name, body, reason, datetimeMs(createdAt), nowMs])
    this.#count++
    if (this.#count > HELD_MAX) this.#count -= (await sql.run(TRIM)).changes
  }

  async has(did: string, cid: string): Promise<boolean> {
    const found = 'select 1 from held where did = ? and cid = ?'
    return (await this.#sql.get(found, [did, cid])) !== undefined
  }

  /** Lines of JSON, by the upstream's seq. */
  async lines(after: number, count: number): Promise<string[]> {
    const rows = await this.#sql.all<HeldRow>(AFTER, [after, count])
    return rows.map((row) =>
      JSON.stringify({
        seq: row.seq,
        did: row.did,
        cid: row.cid,
        reason: row.reason,
        createdAt: formatDatetime(row.createdMs),
        heldAt: formatDatetime(row.heldMs),
        operation: row.body === '' ? null : JSON.parse(row.body),
      }),
    )
  }
}
