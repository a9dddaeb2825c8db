import type { FrameBatch, Log, Loop, Metrics, Outside, Subscribe } from '#platform/runtime'
import type { Sql } from '#platform/storage'
import {
  type CachedDirectory,
  isPlcDid,
  type PlcClient,
  parseSequencedPlcEntry,
  type SequencedPlcEntry,
} from '#protocol/identity'
import { type Did, datetimeMs } from '#protocol/syntax'
import type { Accounts } from '../accounts/index.ts'
import type { IdentityAlarms } from './identity-alarms.ts'
import type { MadeOperations } from './made-operations.ts'

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
/** A message is one operation of at most 32 KiB. */
const FRAME_BYTES = 64 * 1024
const PAUSE_MIN_MS = 1_000
const PAUSE_MAX_MS = 5 * MINUTE_MS
/** The cursor is written with an alarm, and else this often: what is heard again does no harm. */
const CURSOR_EVERY = 1_000
/** Logs asked for at most: one a second, whoever watches how many accounts. */
const LOOK_PAUSE_MS = 1_000
const FIRST_LOOK_MS = 10 * MINUTE_MS
/** Without a stream, accounts are looked through again after this. */
const AGAIN_MS = 10 * MINUTE_MS
const PAGE = 100

interface WatchDeps {
  sql: Sql
  accounts: Accounts
  made: MadeOperations
  alarms: IdentityAlarms
  client: PlcClient
  directory: Pick<CachedDirectory, 'forget'>
  subscribe: Subscribe
  outside: Pick<Outside, 'now' | 'timers'>
  log: Log
  metrics: Metrics
}

/**
 * Hears of every change of an identity kept here, from the stream of each directory, and raises an
 * alarm for those that were not made through this host. Once a day each account's log is looked
 * through besides: what a stream left out is found well within the 72 hours it can be undone. Where
 * a directory has no stream, that is done all the time.
 */
export class IdentityWatch {
  readonly #deps: WatchDeps
  readonly #alarmed: { add(): void }
  /** Directories whose stream is not heard now. */
  readonly #deaf = new Set<string>()

  constructor(deps: WatchDeps) {
    this.#deps = deps
    this.#alarmed = deps.metrics.counter(
      'pds_identity_alarms_total',
      'Changes of identities that were not made through this host.',
      [],
    )
  }

  loops(directories: readonly string[]): Loop[] {
    return [
      ...directories.map((url) => ({
        name: `watch-identities-${new URL(url).host}`,
        run: (signal: AbortSignal) => this.#listen(url, signal),
      })),
      { name: 'look-through-identities', run: (signal) => this.#look(signal) },
    ]
  }

  // ── by stream ──

  async #listen(url: string, signal: AbortSignal): Promise<void> {
    const { subscribe, outside, log } = this.#deps
    let pauseMs = PAUSE_MIN_MS
    let cursor = await this.#cursor(url)
    while (!signal.aborted) {
      const from = cursor
      const target = new URL('/export/stream', url)
      if (cursor !== undefined) target.searchParams.set('cursor', String(cursor))
      const options = { signal, maxFrameBytes: FRAME_BYTES }
      let isRefused = false
      try {
        for await (const frames of subscribe(target.href, options)) {
          cursor = await this.#hear(url, frames, cursor)
          this.#deaf.delete(url)
          pauseMs = PAUSE_MIN_MS
        }
      } catch (error) {
        if (signal.aborted) return
        log.info('the stream of a directory ended', { url, error })
        isRefused = (error as { code?: unknown }).code === 'Refused'
      }
      if (signal.aborted) return
      // A place it will not begin at is given up: what was missed is found by looking.
      if (isRefused && cursor === from) cursor = undefined
      this.#deaf.add(url)
      await outside.timers.sleep(pauseMs, signal).catch(() => {})
      pauseMs = Math.min(pauseMs * 2, PAUSE_MAX_MS)
    }
  }

  async #cursor(url: string): Promise<number | undefined> {
    const { sql } = this.#deps
    const row = await sql.get<{ cursor: number }>(
      'SELECT cursor FROM watched_directories WHERE url = ?',
      [url],
    )
    return row?.cursor
  }

  /** Judges what came, and keeps the place: with an alarm in one transaction. */
  async #hear(
    url: string,
    frames: FrameBatch,
    from: number | undefined,
  ): Promise<number | undefined> {
    const entries = frames.map((frame) =>
      parseSequencedPlcEntry(typeof frame === 'string' ? frame : new TextDecoder().decode(frame)),
    )
    let cursor = from
    for (const entry of entries) {
      // Whoever's it is: what is remembered of it is out of date.
      this.#deps.directory.forget(entry.did)
      const isAlarm = await this.#isUnknown(entry)
      cursor = entry.seq
      if (isAlarm) {
        await this.#deps.sql.transaction(async () => {
          await this.#raise(entry)
          await this.#keep(url, entry.seq)
        })
      } else if (from === undefined || entry.seq % CURSOR_EVERY === 0) {
        await this.#keep(url, entry.seq)
      }
    }
    return cursor
  }

  async #keep(url: string, cursor: number): Promise<void> {
    await this.#deps.sql.run(
      `INSERT INTO watched_directories (url, cursor) VALUES (?, ?)
       ON CONFLICT (url) DO UPDATE SET cursor = excluded.cursor`,
      [url, cursor],
    )
  }

  // ── by looking ──

  async #look(signal: AbortSignal): Promise<void> {
    const { outside, alarms, made } = this.#deps
    const rest = (ms: number) => outside.timers.sleep(ms, signal).catch(() => {})
    await rest(FIRST_LOOK_MS)
    while (!signal.aborted) {
      const startedMs = outside.now()
      let cursor: string | undefined
      do {
        const page = await this.#deps.accounts.list({ limit: PAGE, ...(cursor && { cursor }) })
        for (const { did, status } of page) {
          if (signal.aborted) return
          if (!isPlcDid(did) || status !== 'active') continue
          await this.#lookAt(did)
          await rest(LOOK_PAUSE_MS)
        }
        cursor = page.length === PAGE ? page.at(-1)?.did : undefined
      } while (cursor)
      await alarms.tidy()
      await made.tidy()
      const everyMs = this.#deaf.size > 0 ? AGAIN_MS : DAY_MS
      await rest(Math.max(everyMs - (outside.now() - startedMs), LOOK_PAUSE_MS))
    }
  }

  /** What is in an account's log since it was looked at last; the first look only notes the place. */
  async #lookAt(did: Did): Promise<void> {
    const { sql, client, outside, log } = this.#deps
    try {
      const state = await client.log(did)
      if (state === undefined) return
      const row = await sql.get<{ judged: number }>(
        'SELECT judged_ms AS judged FROM watched_accounts WHERE did = ?',
        [did],
      )
      const judgedMs = row?.judged ?? datetimeMs(state.createdAt)
      for (const entry of state.valid)
        if (datetimeMs(entry.createdAt) > judgedMs && (await this.#isUnknown(entry)))
          await this.#raise(entry)
      await sql.run(
        `INSERT INTO watched_accounts (did, judged_ms, looked_ms) VALUES (?, ?, ?)
         ON CONFLICT (did) DO UPDATE SET judged_ms = excluded.judged_ms, looked_ms = excluded.looked_ms`,
        [did, datetimeMs(state.createdAt), outside.now()],
      )
    } catch (error) {
      log.debug('the log of an identity was not read', { did, error })
    }
  }

  /** Of an account that is up here, and not made here. */
  async #isUnknown({ did, cid }: Pick<SequencedPlcEntry, 'cid'> & { did: Did }): Promise<boolean> {
    const account = await this.#deps.accounts.get(did)
    if (account?.status !== 'active' && account?.status !== 'takendown') return false
    return !(await this.#deps.made.has(did, cid))
  }

  async #raise({
    did,
    cid,
    createdAt,
  }: {
    did: Did
    cid: string
    createdAt: string
  }): Promise<void> {
    const { alarms, directory, log } = this.#deps
    directory.forget(did)
    if (!(await alarms.raise(did, cid, datetimeMs(createdAt)))) return
    this.#alarmed.add()
    log.warn('an identity was changed, and not through this host', { did, cid })
  }
}
