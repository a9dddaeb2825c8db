import {
  type FrameBatch,
  keepReading,
  type Log,
  type Loop,
  type Metrics,
  type Outside,
  type Subscribe,
} from '#platform/runtime'
import type { Sql } from '#platform/storage'
import type { Did } from '#protocol/syntax'
import { readEvent } from './events.ts'
import { Writer } from './writer.ts'

const COLLECTIONS = ['app.bsky.feed.post', 'app.bsky.feed.like', 'app.bsky.graph.follow']
const DAY_MS = 24 * 3_600_000
const CLEAN_PAUSE_MS = 3_600_000
/** Events of one transaction. */
const BATCH_MAX = 500

/** Fills the tables from a jetstream: effect and cursor in one transaction. */
export class Intake {
  readonly #sql: Sql
  readonly #url: string
  readonly #subscribe: Subscribe
  readonly #outside: Outside
  readonly #log: Log
  readonly #retentionMs: number
  readonly #forget: (did: Did) => void
  readonly #verdict: (verdict: string) => void
  #cursorUs = 0

  constructor(options: {
    sql: Sql
    jetstream: string
    subscribe: Subscribe
    outside: Outside
    log: Log
    metrics: Metrics
    retentionDays: number
    /** An identity changed: what is remembered of it is out of date. */
    forget(did: Did): void
  }) {
    this.#sql = options.sql
    this.#url = options.jetstream
    this.#subscribe = options.subscribe
    this.#outside = options.outside
    this.#log = options.log
    this.#retentionMs = options.retentionDays * DAY_MS
    this.#forget = options.forget
    const events = options.metrics.counter('feeds_events_total', 'Events by verdict.', ['verdict'])
    this.#verdict = (verdict) => events.with(verdict).add()
  }

  async resume(): Promise<void> {
    const row = await this.#sql.get<{ value: string }>(
      `SELECT value FROM settings WHERE name = 'cursor'`,
    )
    this.#cursorUs = Number(row?.value ?? 0)
  }

  get loops(): Loop[] {
    return [
      {
        name: 'intake',
        run: (signal) =>
          keepReading({
            url: () => this.#address(),
            take: (frames) => this.take(frames),
            subscribe: this.#subscribe,
            timers: this.#outside.timers,
            log: this.#log,
            signal,
          }),
      },
      {
        name: 'forget-old',
        run: async (signal) => {
          while (!signal.aborted) {
            await this.forgetOld()
            await this.#outside.timers.sleep(CLEAN_PAUSE_MS, signal).catch(() => {})
          }
        },
      },
    ]
  }

  /** The cursor is inclusive: its event comes again, and changes nothing. */
  #address(): string {
    const wanted = COLLECTIONS.map((name) => `wantedCollections=${name}`).join('&')
    return `${this.#url}/subscribe?${wanted}&cursor=${this.#cursorUs}`
  }

  async take(frames: FrameBatch): Promise<void> {
    for (let at = 0; at < frames.length; at += BATCH_MAX) {
      await this.#takeSome(frames.slice(at, at + BATCH_MAX))
    }
  }

  async #takeSome(frames: FrameBatch): Promise<void> {
    let cursorUs = this.#cursorUs
    const verdicts: string[] = []
    await this.#sql.transaction(async (sql) => {
      const writer = new Writer(sql, this.#outside.now() - this.#retentionMs)
      for (const frame of frames) {
        const event = this.#read(frame, verdicts)
        if (!event) continue
        cursorUs = Math.max(cursorUs, event.timeUs)
        if (event.kind === 'identity') {
          this.#forget(event.did)
          verdicts.push('identity')
        } else verdicts.push(await writer.write(event))
      }
      await sql.run(`INSERT OR REPLACE INTO settings (name, value) VALUES ('cursor', ?)`, [
        String(cursorUs),
      ])
    })
    this.#cursorUs = cursorUs
    for (const verdict of verdicts) this.#verdict(verdict)
  }

  #read(frame: string | Uint8Array, verdicts: string[]) {
    try {
      if (typeof frame !== 'string') throw new Error('a binary frame')
      return readEvent(frame)
    } catch {
      verdicts.push('malformed')
      return undefined
    }
  }

  /** Posts and likes beyond the retention; follows stay. */
  async forgetOld(): Promise<void> {
    const beforeMs = this.#outside.now() - this.#retentionMs
    await this.#sql.run('DELETE FROM posts WHERE sort_ms < ?', [beforeMs])
    await this.#sql.run('DELETE FROM likes WHERE sort_ms < ?', [beforeMs])
  }
}
