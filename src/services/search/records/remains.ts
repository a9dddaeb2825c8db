import type { Loop, Timers } from '#platform/runtime'
import type { Sql } from '#platform/storage'
import { Waker } from '../waker.ts'
import { removeSomePosts } from './posts.ts'

const LONGEST_REST_MS = 86_400_000

/**
 * Removes what deleted accounts leave behind, a little at a time. They are not found any more the
 * moment they are deleted; this is for the disk, and goes on after a restart.
 */
export class Remains {
  readonly #sql: Sql
  readonly #timers: Timers
  readonly #waker: Waker

  constructor({ sql, timers }: { sql: Sql; timers: Timers }) {
    this.#sql = sql
    this.#timers = timers
    this.#waker = new Waker(timers)
  }

  /** An account was deleted. */
  wake(): void {
    this.#waker.wake()
  }

  readonly loop: Loop = {
    name: 'remains',
    run: async (signal) => {
      while (!signal.aborted) {
        this.#waker.begin()
        const row = await this.#sql.get<{ aid: number }>(
          'select aid from actor where did is null limit 1',
        )
        if (row === undefined) await this.#waker.rest(LONGEST_REST_MS, signal)
        else await this.#remove(row.aid, signal)
      }
    },
  }

  async #remove(aid: number, signal: AbortSignal): Promise<void> {
    for (;;) {
      const removed = await this.#sql.transaction((sql) => removeSomePosts(sql, aid))
      if (removed === 0) break
      await this.#timers.sleep(0, signal).catch(() => {})
      if (signal.aborted) return
    }
    await this.#sql.run('delete from actor where aid = ? and did is null', [aid])
  }
}
