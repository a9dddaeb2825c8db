import type { Log, Loop, Metrics, Outside } from '#platform/runtime'
import type { Sql } from '#platform/storage'
import { type Directory, INVALID_HANDLE, verifiedHandle } from '#protocol/identity'
import type { Did, Handle } from '#protocol/syntax'
import type { Batch } from '../index/batch.ts'
import type { Changed } from '../index/changed.ts'
import type { IndexWriter } from '../index/writer.ts'

const DAY_MS = 86_400_000
/** A verified handle is looked at again after a week. */
const VERIFIED_MS = 7 * DAY_MS
/** One that could not be verified, or not be asked for: from ten seconds, doubling, to a day. */
const FIRST_RETRY_MS = 10_000
const LAST_RETRY_MS = DAY_MS
const AT_ONCE = 32
/** Room for fewer is left until there is more: looking for the next ones has its price. */
const LEAST_ROOM = 8
const LONGEST_SLEEP_MS = 3_600_000

/** What a check found, to be written down. */
interface Result {
  account: Due
  handle: Handle | undefined
  isVerified: boolean
}

interface Due {
  aid: number
  did: Did
  handle: string | null
  handle_due_ms: number
  handle_failures: number
}

export interface HandlesParts {
  sql: Sql
  writer: IndexWriter
  directory: Directory
  outside: Pick<Outside, 'now' | 'timers'>
  metrics: Metrics
  log: Log
}

/**
 * Verifies handles, both ways, of accounts that are new, changed, or due again. What is due stands
 * in the accounts' rows, so nothing is lost with the process; the loop sleeps until the next one.
 */
export class Handles {
  readonly #parts: HandlesParts
  readonly #checks
  readonly #checking = new Map<number, Promise<void>>()
  readonly #results: Result[] = []
  /** The transaction that will take the results, until it begins. */
  #saving: Promise<void> | undefined
  #wakeUp: (() => void) | undefined
  #isAwake = false

  constructor(parts: HandlesParts) {
    this.#parts = parts
    this.#checks = parts.metrics.counter('appview_handles', 'Handle checks', ['outcome'])
  }

  /** Some account became due. */
  wake(): void {
    this.#isAwake = true
    this.#wakeUp?.()
  }

  readonly loop: Loop = {
    name: 'handles',
    run: async (signal) => {
      const stop = () => this.wake()
      signal.addEventListener('abort', stop, { once: true })
      try {
        while (!signal.aborted) {
          this.#isAwake = false
          for (const account of await this.#due()) this.#begin(account)
          await this.#rest()
        }
      } finally {
        signal.removeEventListener('abort', stop)
        await Promise.all(this.#checking.values())
      }
    },
  }

  /** The last that became due come first: a new account does not wait behind old failures. */
  async #due(): Promise<Due[]> {
    const room = AT_ONCE - this.#checking.size
    if (room < LEAST_ROOM) return []
    const rows = await this.#parts.sql.all<Due>(
      `select aid, did, handle, handle_due_ms, handle_failures from actor
       where handle_due_ms <= ? order by handle_due_ms desc limit ?`,
      [this.#parts.outside.now(), AT_ONCE + this.#checking.size],
    )
    return rows.filter(({ aid }) => !this.#checking.has(aid)).slice(0, room)
  }

  #begin(account: Due): void {
    const checking = this.#check(account)
      .catch((error) => this.#parts.log.error('handle could not be saved', { error }))
      .finally(() => {
        this.#checking.delete(account.aid)
        this.wake()
      })
    this.#checking.set(account.aid, checking)
  }

  async #check(account: Due): Promise<void> {
    const { directory, log } = this.#parts
    try {
      const verified = await verifiedHandle(directory, account.did, { fresh: true })
      const handle = verified === INVALID_HANDLE ? undefined : verified
      this.#checks.with(handle === undefined ? 'unverified' : 'verified').add()
      await this.#save(account, handle, handle !== undefined)
    } catch (error) {
      this.#checks.with('failed').add()
      log.debug('handle could not be checked', { did: account.did, error })
      await this.#save(account, (account.handle as Handle | null) ?? undefined, false)
    }
  }

  /** Checks that end while a transaction waits for its turn share it. */
  #save(account: Due, handle: Handle | undefined, isVerified: boolean): Promise<void> {
    this.#results.push({ account, handle, isVerified })
    this.#saving ??= this.#saveAll()
    return this.#saving
  }

  async #saveAll(): Promise<void> {
    // What ends in this very moment comes along.
    await Promise.resolve()
    try {
      await this.#parts.writer.write(async (batch) => {
        this.#saving = undefined
        for (const result of this.#results.splice(0)) await save(batch, result)
      })
    } catch (error) {
      this.#saving = undefined
      throw error
    }
  }

  /** Until a check ends or an account becomes due; those being checked are due all the while. */
  async #rest(): Promise<void> {
    const { outside } = this.#parts
    const isFull = AT_ONCE - this.#checking.size < LEAST_ROOM
    const nextMs = isFull ? undefined : await this.#nextMs()
    if (this.#isAwake) return
    await new Promise<void>((resolve) => {
      const ms = nextMs === undefined ? LONGEST_SLEEP_MS : Math.max(0, nextMs - outside.now())
      const timer = outside.timers.setTimeout(() => this.wake(), Math.min(ms, LONGEST_SLEEP_MS))
      this.#wakeUp = () => {
        outside.timers.clearTimeout(timer)
        this.#wakeUp = undefined
        resolve()
      }
    })
  }

  /** When the next account becomes due that is not being checked. */
  async #nextMs(): Promise<number | undefined> {
    const rows = await this.#parts.sql.all<{ aid: number; at: number }>(
      'select aid, handle_due_ms as at from actor order by handle_due_ms limit ?',
      [this.#checking.size + 1],
    )
    return rows.find(({ aid }) => !this.#checking.has(aid))?.at
  }
}

/** An #identity event that came meanwhile has set another due time: then it is checked again. */
async function save(
  { sql, changed, nowMs }: Batch,
  { account, handle, isVerified }: Result,
): Promise<void> {
  const failures = isVerified ? 0 : account.handle_failures + 1
  const waitMs = isVerified ? VERIFIED_MS : retryMs(failures)
  const { changes } = await sql.run(
    `update actor set handle = ?, handle_due_ms = ?, handle_failures = ?
     where aid = ? and handle_due_ms = ?`,
    [handle ?? null, nowMs + waitMs, failures, account.aid, account.handle_due_ms],
  )
  if (changes === 0 || handle === (account.handle ?? undefined)) return
  changed.actors.add(account.aid)
  if (handle !== undefined) await releaseHandle({ sql, changed }, account.aid, handle)
}

/** A handle has one holder: whoever had it before has lost it. */
async function releaseHandle(
  { sql, changed }: { sql: Sql; changed: Changed },
  aid: number,
  handle: Handle,
): Promise<void> {
  const losers = await sql.all<{ aid: number }>(
    'update actor set handle = null, handle_due_ms = 0 where handle = ? and aid <> ? returning aid',
    [handle, aid],
  )
  for (const loser of losers) changed.actors.add(loser.aid)
  changed.handlesDue ||= losers.length > 0
}

function retryMs(failures: number): number {
  return Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures - 1, 20))
}
