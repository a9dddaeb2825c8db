import { type Sql, StorageError } from '#platform/storage'
import type { Scope } from '../scope/scope.ts'
import { AuthorCache, Batch } from './batch.ts'
import type { Changed } from './changed.ts'

/** Waits as long as a transaction that began then asks for, or until the signal aborts. */
export type Rest = (startedMs: number, signal: AbortSignal) => Promise<void>

/** Writes that are kept waiting. */
export interface WriteHold {
  /** They go on. */
  release(): void
  /** They fail, and so does every later one: another index takes the place of this one. */
  retire(): void
}

/** The one way into the index: a transaction, then the news of it. */
export class IndexWriter {
  readonly #sql: Sql
  readonly #now: () => number
  readonly #committed: (changed: Changed) => void
  readonly #scope: Scope | undefined
  #rest: Rest | undefined
  readonly #hurried = new AbortController()
  readonly #authors = new AuthorCache()
  #held: Promise<void> | undefined
  #isRetired = false

  /**
   * `committed` is told what changed, before anybody can read on. `rest` is waited for behind each
   * transaction: an index that serves nobody yet leaves time to others by it.
   */
  constructor(parts: {
    sql: Sql
    now: () => number
    scope?: Scope | undefined
    committed: (changed: Changed) => void
    rest?: Rest | undefined
  }) {
    this.#rest = parts.rest
    this.#scope = parts.scope
    this.#sql = parts.sql
    this.#now = parts.now
    this.#committed = parts.committed
  }

  /** Runs `work` in one transaction with its counts: all of it happens, or nothing. */
  async write<T>(work: (batch: Batch) => Promise<T>): Promise<T> {
    while (this.#held !== undefined) await this.#held
    if (this.#isRetired)
      throw new StorageError('Closed', 'another index took the place of this one')
    const startedMs = this.#now()
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
    await this.#rest?.(startedMs, this.#hurried.signal)
    return result
  }

  /** No rest from here on: somebody waits. */
  hurry(): void {
    this.#rest = undefined
    this.#hurried.abort()
  }

  /** Keeps all later writes waiting; resolves when those begun are done. One at a time. */
  async hold(): Promise<WriteHold> {
    let open = () => {}
    this.#held = new Promise<void>((resolve) => (open = resolve))
    const end = () => {
      this.#held = undefined
      open()
    }
    await this.#sql.transaction(async () => {})
    return {
      release: end,
      retire: () => {
        this.#isRetired = true
        end()
      },
    }
  }
}
