import type { Sql } from '#platform/storage'
import type { Scope } from '../scope/scope.ts'
import { AuthorCache, Batch } from './batch.ts'
import type { Changed } from './changed.ts'

/** The one way into the index: a transaction, then the news of it. */
export class IndexWriter {
  readonly #sql: Sql
  readonly #now: () => number
  readonly #committed: (changed: Changed) => void
  readonly #scope: Scope | undefined
  readonly #authors = new AuthorCache()

  /** `committed` is told what changed, before anybody can read on. */
  constructor(parts: {
    sql: Sql
    now: () => number
    scope?: Scope | undefined
    committed: (changed: Changed) => void
  }) {
    this.#scope = parts.scope
    this.#sql = parts.sql
    this.#now = parts.now
    this.#committed = parts.committed
  }

  /** Runs `work` in one transaction with its counts: all of it happens, or nothing. */
  async write<T>(work: (batch: Batch) => Promise<T>): Promise<T> {
    const { result, changed } = await this.#sql.transaction(async (sql) => {
      this.#authors.begin()
      const batch = new Batch(sql, {
        nowMs: this.#now(),
        authors: this.#authors,
        scope: this.#scope,
      })
      const done = await work(batch)
      await batch.flush()
      return { result: done, changed: batch.changed }
    })
    this.#authors.settle()
    this.#committed(changed)
    return result
  }
}
