import type { Log, Loop, Timers } from '#platform/runtime'
import type { Sql } from '#platform/storage'
import type { Did } from '#protocol/syntax'
import { Bell } from '../bell.ts'
import type { RepoState } from './repo-state.ts'

/** Changes are gathered for so long before they are written: a repository that changes often is written once. */
const GATHER_MS = 250
const RETRY_MS = 2_000
/** Beyond so many unwritten repositories, reading waits. */
const WAITING_MAX = 50_000

/** What follows from entries of the stream. */
export interface Effect {
  states: Iterable<RepoState>
  /** Where a host's events were read from, and how far. */
  cursor?: readonly [source: string, seq: number]
  /** The newest entry that these are the state after. */
  seq: number
}

interface Unwritten {
  states: Map<Did, RepoState>
  cursors: Map<string, number>
  seq: number
}

const nothing = (): Unwritten => ({ states: new Map(), cursors: new Map(), seq: 0 })

/**
 * Writes to Sql what the stream already holds, a little later and many at once. It may fall behind or
 * be lost: what is missing is made again from the stream (`rebuild.ts`).
 */
export class Projection {
  readonly #sql: Sql
  readonly #timers: Timers
  readonly #log: Log
  #waiting = nothing()
  /** What is being written just now. */
  #writing: Unwritten | undefined
  #flushing: Promise<void> | undefined
  readonly #bell: Bell
  #room: (() => void)[] = []

  constructor({ sql, timers, log }: { sql: Sql; timers: Timers; log: Log }) {
    this.#sql = sql
    this.#timers = timers
    this.#log = log
    this.#bell = new Bell(timers)
  }

  /** Takes in what became durable, in the order of the stream. */
  keep({ states, cursor, seq }: Effect): void {
    for (const state of states) this.#waiting.states.set(state.did, state)
    if (cursor) this.#waiting.cursors.set(cursor[0], cursor[1])
    this.#waiting.seq = Math.max(this.#waiting.seq, seq)
    this.#bell.ring()
  }

  /** What is durable and not yet in Sql. */
  state(did: Did): RepoState | undefined {
    return this.#waiting.states.get(did) ?? this.#writing?.states.get(did)
  }

  cursor(source: string): number | undefined {
    return this.#waiting.cursors.get(source) ?? this.#writing?.cursors.get(source)
  }

  /** Undefined while there is room for more. */
  full(): Promise<void> | undefined {
    if (this.#waiting.states.size < WAITING_MAX) return undefined
    return new Promise((resolve) => this.#room.push(resolve))
  }

  /** How far Sql follows the stream. */
  async appliedSeq(): Promise<number> {
    const row = await this.#sql.get<{ value: string }>(
      `SELECT value FROM settings WHERE name = 'applied-seq'`,
    )
    return Number(row?.value ?? 0)
  }

  readonly loop: Loop = {
    name: 'save',
    run: async (signal) => {
      while (!signal.aborted) {
        if (isEmpty(this.#waiting)) await this.#bell.wait(signal)
        await this.#timers.sleep(GATHER_MS, signal).catch(() => {})
        try {
          await this.flush()
        } catch (error) {
          this.#log.error('state could not be saved; the stream goes on', { error })
          await this.#timers.sleep(RETRY_MS, signal).catch(() => {})
        }
      }
    },
  }

  /** Writes all that was kept before the call. */
  async flush(): Promise<void> {
    while (this.#flushing) await this.#flushing.catch(() => {})
    if (isEmpty(this.#waiting)) return
    this.#flushing = this.#write().finally(() => {
      this.#flushing = undefined
    })
    await this.#flushing
  }

  async #write(): Promise<void> {
    const writing = this.#waiting
    this.#writing = writing
    this.#waiting = nothing()
    try {
      await this.#save(writing)
    } catch (error) {
      this.#waiting = joined(writing, this.#waiting)
      throw error
    } finally {
      this.#writing = undefined
    }
    const room = this.#room
    this.#room = []
    for (const resolve of room) resolve()
  }

  async #save({ states, cursors, seq }: Unwritten): Promise<void> {
    const rows = Array.from(states.values(), (s) => [
      s.did,
      s.host,
      s.rev ?? null,
      s.commit ?? null,
      s.data ?? null,
      s.status ?? null,
      s.desynchronized ? 1 : 0,
    ])
    await this.#sql.transaction(async (sql) => {
      if (rows.length > 0) {
        await sql.runMany(
          `INSERT INTO repos (did, host, rev, commit_cid, data, status, desynchronized)
           VALUES (?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT (did) DO UPDATE SET host = excluded.host, rev = excluded.rev,
             commit_cid = excluded.commit_cid, data = excluded.data, status = excluded.status,
             desynchronized = excluded.desynchronized`,
          rows,
        )
      }
      // A host that is gone from the table comes back: its events are in the stream.
      await sql.runMany(
        `INSERT INTO hosts (url, cursor, added_ms) VALUES (?1, ?2, 0)
         ON CONFLICT (url) DO UPDATE SET cursor = excluded.cursor`,
        Array.from(cursors),
      )
      await sql.run(
        `UPDATE settings SET value = ?1 WHERE name = 'applied-seq' AND CAST(value AS INTEGER) < ?2`,
        [String(seq), seq],
      )
    })
  }
}

function isEmpty({ states, cursors }: Unwritten): boolean {
  return states.size === 0 && cursors.size === 0
}

function joined(older: Unwritten, newer: Unwritten): Unwritten {
  return {
    states: new Map([...older.states, ...newer.states]),
    cursors: new Map([...older.cursors, ...newer.cursors]),
    seq: Math.max(older.seq, newer.seq),
  }
}
