import type { Log, Loop, Metrics, Outside } from '#platform/runtime'
import type { Sql } from '#platform/storage'
import { type Directory, identityOf } from '#protocol/identity'
import { type Actor, indexActors } from '../records/index.ts'
import { Waker } from '../waker.ts'

const AT_ONCE = 16
/** A directory that does not answer is asked again after ten seconds, doubling, to a day. */
const FIRST_RETRY_MS = 10_000
const LAST_RETRY_MS = 86_400_000
const LONGEST_REST_MS = 3_600_000

type Due = Actor & { handle_due_ms: number; handle_failures: number }

export interface HandlesParts {
  sql: Sql
  directory: Directory
  outside: Pick<Outside, 'now' | 'timers'>
  metrics: Metrics
  log: Log
}

/**
 * Learns what accounts call themselves: the handle their DID document claims, looked up when they
 * are new and after identity events. What is due stands in the accounts' rows, so nothing is lost
 * with the process.
 */
export class Handles {
  readonly #parts: HandlesParts
  readonly #waker: Waker
  readonly #lookups

  constructor(parts: HandlesParts) {
    this.#parts = parts
    this.#waker = new Waker(parts.outside.timers)
    this.#lookups = parts.metrics.counter('search_handles', 'Handle lookups', ['outcome'])
  }

  /** Some account became due. */
  wake(): void {
    this.#waker.wake()
  }

  readonly loop: Loop = {
    name: 'handles',
    run: async (signal) => {
      while (!signal.aborted) {
        this.#waker.begin()
        const due = await this.#due()
        if (due.length > 0) await Promise.all(due.map((actor) => this.#lookUp(actor)))
        else await this.#waker.rest(await this.#untilNext(), signal)
      }
    },
  }

  async #due(): Promise<Due[]> {
    return this.#parts.sql.all<Due>(
      `select aid, did, handle, status, rev, name, about, handle_due_ms, handle_failures
       from actor where handle_due_ms <= ? order by handle_due_ms limit ?`,
      [this.#parts.outside.now(), AT_ONCE],
    )
  }

  async #lookUp(actor: Due): Promise<void> {
    const { directory, log } = this.#parts
    try {
      const document = await directory.document(actor.did)
      this.#lookups.with(document === undefined ? 'nobody' : 'found').add()
      // A directory may be behind the event that told us: what is not there may yet come.
      if (document === undefined) await this.#postpone(actor)
      else await this.#save(actor, identityOf(document).handle ?? null)
    } catch (error) {
      this.#lookups.with('failed').add()
      log.debug('handle could not be looked up', { did: actor.did, error })
      await this.#postpone(actor)
    }
  }

  /** Saves what was found, unless an identity event came meanwhile: then it is looked up again. */
  async #save(actor: Due, handle: string | null): Promise<void> {
    const { aid, handle_due_ms: dueMs } = actor
    await this.#parts.sql.transaction(async (sql) => {
      const row = await sql.get<Pick<Actor, 'name' | 'about'>>(
        `update actor set handle = ?, handle_due_ms = null, handle_failures = 0
         where aid = ? and handle_due_ms = ? returning name, about`,
        [handle, aid, dueMs],
      )
      if (row !== undefined && handle !== actor.handle)
        await indexActors(sql, [{ ...actor, ...row, handle }])
    })
  }

  async #postpone({ aid, handle_due_ms: dueMs, handle_failures: failures }: Due): Promise<void> {
    const { sql, outside } = this.#parts
    const waitMs = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures, 20))
    await sql.run(
      `update actor set handle_due_ms = ?, handle_failures = handle_failures + 1
       where aid = ? and handle_due_ms = ?`,
      [outside.now() + waitMs, aid, dueMs],
    )
  }

  async #untilNext(): Promise<number> {
    const { sql, outside } = this.#parts
    const row = await sql.get<{ at: number | null }>('select min(handle_due_ms) as at from actor')
    const ms = (row?.at ?? Number.POSITIVE_INFINITY) - outside.now()
    return Math.min(Math.max(0, ms), LONGEST_REST_MS)
  }
}
