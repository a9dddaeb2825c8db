/** The operations on disk: the only place that adds one, and every way to read them. */
import type { Sql, SqlParams } from '#platform/storage'
import {
  type AnyPlcOperation,
  applyPlcOperation,
  type JudgedPlcOperation,
  type PlcLogEntry,
  type PlcOperation,
  type PlcTombstone,
  plcOperationCid,
  type SequencedPlcEntry,
} from '#protocol/identity'
import { type Did, datetimeMs, formatDatetime } from '#protocol/syntax'
import type { PlcConfig } from './config.ts'
import { assertMayChange, WEEK_MS } from './rate-limit.ts'

/** A row, its operation still the JSON text it is stored and sent as. */
export interface StoredOperation {
  seq: number
  did: Did
  cid: string
  body: string
  nullified: number
  createdMs: number
}

const COLUMNS = 'seq, did, cid, body, nullified, created_ms as "createdMs"'
const LAST = `select ${COLUMNS} from operation where did = ? and nullified = 0 order by seq desc limit 1`
const IN_FORCE = `select ${COLUMNS} from operation where did = ? and nullified = 0 order by seq`
const ALL = `select ${COLUMNS} from operation where did = ? order by seq`
const FROM_PREV = `select ${COLUMNS} from operation where did = ? and nullified = 0 and seq >=
  (select seq from operation where did = ? and cid = ?) order by seq`
const RECENT = `select created_ms as "createdMs" from operation
  where did = ? and nullified = 0 and created_ms > ? order by seq desc limit ?`
const NEWEST = 'select seq, created_ms as "createdMs" from operation order by seq desc limit 1'
const AFTER_SEQ = `select ${COLUMNS} from operation where seq > ? order by seq limit ?`
const AFTER_TIME = `select ${COLUMNS} from operation where created_ms > ? order by created_ms, seq limit ?`
const AT_TIME = `select ${COLUMNS} from operation where created_ms = ? order by seq`
const NULLIFY = 'update operation set nullified = 1 where did = ? and cid = ?'
const INSERT = `insert into operation (seq, did, cid, prev, body, created_ms)
  values (?, ?, ?, ?, ?, ?)`

/** Entries of one moment on a page of the export: more than any directory accepted in a millisecond. */
const MOMENT_MAX = 1_000

export interface OperationsDeps {
  sql: Sql
  now(): number
}

export class Operations {
  readonly #sql: Sql
  readonly #now: () => number
  readonly #config: PlcConfig

  constructor(config: PlcConfig, deps: OperationsDeps) {
    this.#sql = deps.sql
    this.#now = deps.now
    this.#config = config
  }

  /**
   * Accepts an operation that passed `validatePlcOperation`, or throws why not. On disk when this
   * resolves, with its seq; undefined when it is the operation in force already, so that submitting
   * again after an unknown outcome is safe. Transactions run one after another: of two operations
   * with the same prev one finds the other there.
   */
  async accept(did: Did, operation: PlcOperation | PlcTombstone): Promise<number | undefined> {
    const cid = plcOperationCid(operation)
    return await this.#sql.transaction(async (sql) => {
      const last = await sql.get<StoredOperation>(LAST, [did])
      if (last?.cid === cid) return undefined
      const newest = await sql.get<{ seq: number; createdMs: number }>(NEWEST)
      const createdMs = Math.max(this.#now(), (newest?.createdMs ?? -1) + 1)
      const log = last === undefined ? [] : await this.#logFor(sql, did, operation, last)
      const { nullified } = applyPlcOperation(did, log, operation, createdMs)
      if (nullified.length === 0) await this.#assertMayChange(sql, did, createdMs)
      for (const gone of nullified) await sql.run(NULLIFY, [did, gone])
      const seq = (newest?.seq ?? 0) + 1
      const body = JSON.stringify(operation)
      await sql.run(INSERT, [seq, did, cid, operation.prev ?? '', body, createdMs])
      return seq
    })
  }

  /** The log in force from `prev` on: no more is needed to judge, however long the log is. */
  async #logFor(
    sql: Sql,
    did: Did,
    { prev }: PlcOperation | PlcTombstone,
    last: StoredOperation,
  ): Promise<PlcLogEntry[]> {
    const fromPrev =
      prev === null || prev === last.cid
        ? [last]
        : await sql.all<StoredOperation>(FROM_PREV, [did, did, prev])
    return (fromPrev.length === 0 ? [last] : fromPrev).map(logEntry)
  }

  async #assertMayChange(sql: Sql, did: Did, nowMs: number): Promise<void> {
    if (!this.#config.limits) return
    const since = nowMs - WEEK_MS
    const most = Math.max(
      this.#config.hourlyOperations,
      this.#config.dailyOperations,
      this.#config.weeklyOperations,
    )
    const recent = await sql.all<{ createdMs: number }>(RECENT, [did, since, most])
    assertMayChange(
      recent.map((row) => row.createdMs),
      nowMs,
      this.#config,
    )
  }

  /** The operation in force. */
  async last(did: Did): Promise<StoredOperation | undefined> {
    return await this.#sql.get<StoredOperation>(LAST, [did])
  }

  /** Operations in force, oldest first; empty for an unknown DID. */
  async inForce(did: Did): Promise<StoredOperation[]> {
    return await this.#sql.all<StoredOperation>(IN_FORCE, [did])
  }

  /** Every operation, taken back or not, oldest first; empty for an unknown DID. */
  async all(did: Did): Promise<StoredOperation[]> {
    return await this.#sql.all<StoredOperation>(ALL, [did])
  }

  async afterSeq(seq: number, count: number): Promise<StoredOperation[]> {
    return await this.#sql.all<StoredOperation>(AFTER_SEQ, [seq, count])
  }

  /**
   * A page by time never splits a moment: it ends before one that does not fit, or holds that one
   * alone, however large.
   */
  async afterTime(ms: number, count: number): Promise<StoredOperation[]> {
    const rows = await this.#sql.all<StoredOperation>(AFTER_TIME, [ms, count + 1])
    if (rows.length <= count) return rows
    const nextMs = rows[count]!.createdMs
    const whole = rows.filter((row) => row.createdMs < nextMs)
    if (whole.length > 0) return whole
    return await this.#sql.all<StoredOperation>(`${AT_TIME} limit ${MOMENT_MAX}`, [nextMs])
  }

  // ── for a replica ──

  async lastEntry(did: Did): Promise<PlcLogEntry | undefined> {
    const row = await this.last(did)
    return row && logEntry(row)
  }

  /** Entries in force from the one with this CID on, oldest first. */
  async entriesFrom(sql: Sql, did: Did, cid: string): Promise<PlcLogEntry[]> {
    const rows = await sql.all<StoredOperation>(FROM_PREV, [did, did, cid])
    return rows[0]?.cid === cid ? rows.map(logEntry) : []
  }

  /** Adds what another directory accepted, in its order, with its seqs and times. */
  async follow(
    sql: Sql,
    accepted: readonly { entry: SequencedPlcEntry; judged: JudgedPlcOperation }[],
  ): Promise<void> {
    let rows: SqlParams[] = []
    for (const { entry, judged } of accepted) {
      const { seq, did, createdAt } = entry
      const { operation, cid, nullified } = judged
      if (nullified.length > 0) {
        await sql.runMany(INSERT, rows)
        rows = []
      }
      for (const gone of nullified) await sql.run(NULLIFY, [did, gone])
      const body = JSON.stringify(operation)
      rows.push([seq, did, cid, operation.prev ?? '', body, datetimeMs(createdAt)])
    }
    await sql.runMany(INSERT, rows)
  }

  /** Whether the operation is here, taken back or not. */
  async has(did: Did, cid: string): Promise<boolean> {
    const found = 'select 1 from operation where did = ? and cid = ?'
    return (await this.#sql.get(found, [did, cid])) !== undefined
  }

  /** Seq of the newest operation, 0 when there is none. Fails when the database does. */
  async newestSeq(): Promise<number> {
    return (await this.#sql.get<{ seq: number }>(NEWEST))?.seq ?? 0
  }
}

function logEntry(row: StoredOperation): PlcLogEntry {
  return {
    did: row.did,
    operation: JSON.parse(row.body) as AnyPlcOperation,
    cid: row.cid,
    nullified: row.nullified === 1,
    createdAt: formatDatetime(row.createdMs),
  }
}

/** An entry of an audit log, and of the older form of the export, as JSON text. */
export function auditLine(row: StoredOperation): string {
  const createdAt = formatDatetime(row.createdMs)
  const nullified = row.nullified === 1
  return `{"did":"${row.did}","operation":${row.body},"cid":"${row.cid}","nullified":${nullified},"createdAt":"${createdAt}"}`
}

/** An entry of the export by seq and of the stream, as JSON text. */
export function sequencedLine(row: StoredOperation): string {
  const createdAt = formatDatetime(row.createdMs)
  return `{"type":"sequenced_op","operation":${row.body},"did":"${row.did}","cid":"${row.cid}","createdAt":"${createdAt}","seq":${row.seq}}`
}
