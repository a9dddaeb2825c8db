/** What a replica keeps: the upstream's operations, those held, and how far it came, in one transaction. */
import type { Sql } from '#platform/storage'
import {
  type JudgedPlcOperation,
  type PlcJudge,
  type PlcLogEntry,
  type PlcLogInForce,
  type PlcVerdict,
  parseSequencedPlcEntry,
  type SequencedPlcEntry,
} from '#protocol/identity'
import { type Did, datetimeMs, ProtocolError } from '#protocol/syntax'
import { HELD_REASONS, type Held, type HeldReason } from './held.ts'
import type { Operations } from './operations.ts'

/** How far the upstream was followed. */
export interface Cursor {
  /** 0 at the start. */
  seq: number
  /** The operation the upstream had there. */
  cid: string
}

/** What became of a batch. */
export interface Taken {
  accepted: number
  held: readonly HeldReason[]
  /** Seqs that the upstream left out. */
  missing: number
  /** The upstream's time of the newest. */
  newestMs: number
}

const READ = 'select upstream, cursor, cursor_cid as "cid" from replica where id = 1'
const BEGIN = `insert into replica (id, upstream, cursor, cursor_cid) values (1, ?, 0, '')`
const MOVE = 'update replica set upstream = ?, cursor = ?, cursor_cid = ? where id = 1'

export interface ReplicaLogDeps {
  sql: Sql
  operations: Operations
  held: Held
  judge: PlcJudge
  now(): number
}

export class ReplicaLog {
  readonly #deps: ReplicaLogDeps
  readonly #upstream: string
  #cursor: Cursor

  private constructor(deps: ReplicaLogDeps, upstream: string, cursor: Cursor) {
    this.#deps = deps
    this.#upstream = upstream
    this.#cursor = cursor
  }

  /** Throws when the database is a directory of its own. */
  static async open(upstream: string, deps: ReplicaLogDeps): Promise<ReplicaLog> {
    const { sql, operations } = deps
    const row = await sql.get<{ cursor: number; cid: string }>(READ)
    if (row !== undefined) return new ReplicaLog(deps, upstream, { seq: row.cursor, cid: row.cid })
    if ((await operations.newestSeq()) > 0)
      throw new Error('this folder holds a directory of its own; a replica needs another --data')
    await sql.run(BEGIN, [upstream])
    return new ReplicaLog(deps, upstream, { seq: 0, cid: '' })
  }

  get cursor(): Cursor {
    return this.#cursor
  }

  /**
   * Takes lines of the upstream's export, in its order: what verifies is served, the rest is held,
   * and the cursor moves, all in one transaction. What was taken before is passed over. `breathe`
   * is awaited now and then, so that readers get their turn; when it gives false, the rest is left.
   * Throws 'InvalidExport' for what is no export; then nothing of the lines is kept.
   */
  async take(lines: readonly string[], breathe: () => Promise<boolean>): Promise<Taken> {
    const entries = lines.map(parseSequencedPlcEntry).filter(({ seq }) => seq > this.#cursor.seq)
    requireOrder(entries)
    const from = this.#cursor.seq
    const batch = new Batch(this.#deps, (sql, last) => this.#move(sql, last))
    let count = 0
    for (const entry of entries) {
      if (count > 0 && count % SLICE === 0 && !(await breathe())) break
      await batch.judge(entry)
      count++
    }
    await batch.write()
    const newest = entries[count - 1]
    if (newest === undefined) return { accepted: 0, held: [], missing: 0, newestMs: 0 }
    return {
      accepted: count - batch.reasons.length,
      held: batch.reasons,
      missing: newest.seq - from - count,
      newestMs: datetimeMs(newest.createdAt),
    }
  }

  async #move(sql: Sql, { seq, cid }: SequencedPlcEntry): Promise<() => void> {
    await sql.run(MOVE, [this.#upstream, seq, cid])
    return () => {
      this.#cursor = { seq, cid }
    }
  }
}

/** Verified in one go, about 10 ms: between two, whoever reads gets a turn. */
const SLICE = 100

/** What was judged of an entry, not on disk yet. */
interface Effect {
  entry: SequencedPlcEntry
  judged: JudgedPlcOperation | undefined
  reason: HeldReason | undefined
}

/** Operations that are judged one by one and written together. */
class Batch {
  readonly reasons: HeldReason[] = []
  readonly #deps: ReplicaLogDeps
  readonly #move: (sql: Sql, last: SequencedPlcEntry) => Promise<() => void>
  #effects: Effect[] = []
  /** The last in force of each DID that the effects changed. */
  readonly #lasts = new Map<Did, PlcLogEntry>()
  readonly #held = new Set<string>()

  constructor(
    deps: ReplicaLogDeps,
    move: (sql: Sql, last: SequencedPlcEntry) => Promise<() => void>,
  ) {
    this.#deps = deps
    this.#move = move
  }

  async judge(entry: SequencedPlcEntry): Promise<void> {
    const { did, cid } = entry
    try {
      const judged = await this.#deps.judge.judge(entry, await this.#inForce(did))
      this.#effects.push({ entry, judged, reason: undefined })
      const { createdAt } = entry
      this.#lasts.set(did, { did, cid, createdAt, operation: judged.operation, nullified: false })
    } catch (error) {
      const reason = error instanceof ProtocolError ? await this.#reason(entry, error) : error
      if (!isReason(reason)) throw error
      this.#effects.push({ entry, judged: undefined, reason })
      this.#held.add(`${did} ${cid}`)
      this.reasons.push(reason)
    }
  }

  /** Puts what was judged on disk, with the cursor behind it. */
  async write(): Promise<void> {
    const { sql, operations, held, now } = this.#deps
    const effects = this.#effects
    const newest = effects.at(-1)
    if (newest === undefined) return
    this.#effects = []
    const moved = await sql.transaction(async (sql) => {
      await operations.follow(
        sql,
        effects.flatMap(({ entry, judged }) => (judged ? [{ entry, judged }] : [])),
      )
      for (const { entry, reason } of effects)
        if (reason !== undefined) await held.add(sql, entry, reason, now())
      return await this.#move(sql, newest.entry)
    })
    moved()
  }

  async #inForce(did: Did): Promise<PlcLogInForce | undefined> {
    const { sql, operations } = this.#deps
    const last = this.#lasts.get(did) ?? (await operations.lastEntry(did))
    const from = async (cid: string) => {
      await this.write() // forks are rare: they are judged by what is on disk
      return await operations.entriesFrom(sql, did, cid)
    }
    return last && { last, from }
  }

  async #reason({ did, operation }: SequencedPlcEntry, { code }: ProtocolError): Promise<string> {
    if (code !== 'MisorderedOperation') return code
    const { prev } = operation as { prev: string | null }
    const { held } = this.#deps
    const follows =
      prev !== null && (this.#held.has(`${did} ${prev}`) || (await held.has(did, prev)))
    return follows ? 'FollowsHeld' : code
  }
}

function isReason(reason: unknown): reason is PlcVerdict | 'FollowsHeld' {
  return HELD_REASONS.includes(reason as HeldReason)
}

function requireOrder(entries: readonly SequencedPlcEntry[]): void {
  for (let i = 1; i < entries.length; i++)
    if (entries[i]!.seq <= entries[i - 1]!.seq)
      throw new ProtocolError('InvalidExport', 'not an export: its seqs do not rise')
}

/** The directory a database follows; undefined when it is one of its own. */
export async function followedUpstream(sql: Sql): Promise<string | undefined> {
  return (await sql.get<{ upstream: string }>(READ))?.upstream
}
