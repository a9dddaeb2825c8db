import type { Sql } from '#platform/storage'
import type { Did } from '#protocol/syntax'

/** Longer than any stream is replayed from, and far longer than anything can be taken back. */
const RETENTION_MS = 90 * 24 * 3_600_000

/** The operations this host made, or that their owners had it sign or submit. */
export class MadeOperations {
  readonly #sql: Sql
  readonly #now: () => number

  constructor(options: { sql: Sql; now: () => number }) {
    this.#sql = options.sql
    this.#now = options.now
  }

  /** Notes an operation, on disk before the directory can tell of it. */
  async note(did: Did, cid: string): Promise<void> {
    await this.#sql.run(
      'INSERT INTO made_operations (did, cid, made_ms) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
      [did, cid, this.#now()],
    )
  }

  async has(did: Did, cid: string): Promise<boolean> {
    const found = 'SELECT 1 FROM made_operations WHERE did = ? AND cid = ?'
    return (await this.#sql.get(found, [did, cid])) !== undefined
  }

  /** Forgets what is too old to be asked for. */
  async tidy(): Promise<void> {
    const beforeMs = this.#now() - RETENTION_MS
    await this.#sql.run('DELETE FROM made_operations WHERE made_ms < ?', [beforeMs])
  }
}
