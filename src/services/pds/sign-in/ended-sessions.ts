import type { Sql } from '#platform/storage'
import type { SessionClaims } from '#protocol/auth'

/** About 10 MB. */
const ENDED_MAX = 100_000

/**
 * Password sessions that ended while access tokens of theirs may still be about. All of them are in
 * memory, so that looking costs a call nothing; the table is for the next start of the host.
 */
export class EndedSessions {
  readonly #sql: Sql
  readonly #lifetimeMs: number
  readonly #max: number
  readonly #now: () => number
  /** When each ended, those of longest ago first: by session, or by account for tokens that name none. */
  readonly #endedMs = new Map<string, number>()
  /** Above `max` the oldest are forgotten, and every token made until then has to be renewed. */
  #floorMs = 0

  private constructor(options: Options) {
    this.#sql = options.sql
    this.#lifetimeMs = options.lifetimeMs
    this.#max = options.max ?? ENDED_MAX
    this.#now = options.now
  }

  static async load(options: Options): Promise<EndedSessions> {
    const ended = new EndedSessions(options)
    const rows = await ended.#sql.all<{ name: string; endedMs: number }>(
      `SELECT name, ended_ms AS "endedMs" FROM ended_sessions WHERE ended_ms > ?
       ORDER BY ended_ms DESC, name LIMIT ?`,
      [ended.#now() - ended.#lifetimeMs, ended.#max + 1],
    )
    for (const { name, endedMs } of rows.reverse()) ended.#remember(name, endedMs)
    return ended
  }

  /** Whether the session of an access token ended after it was made. In memory alone. */
  has({ sid, sub, iat }: Pick<SessionClaims, 'sid' | 'sub' | 'iat'>): boolean {
    if (iat * 1000 <= this.#floorMs) return true
    if (sid !== undefined) return this.#endedMs.has(sid)
    const endedMs = this.#endedMs.get(sub)
    // Tokens know seconds: one made in the same second may be of afterwards.
    return endedMs !== undefined && iat < Math.floor(endedMs / 1000)
  }

  /** Keeps that sessions ended, within the transaction that ends them; gives what to do once it is done. */
  async note(sql: Sql, names: readonly string[]): Promise<() => void> {
    const endedMs = this.#now()
    for (const name of names) {
      await sql.run(
        `INSERT INTO ended_sessions (name, ended_ms) VALUES (?, ?)
         ON CONFLICT (name) DO UPDATE SET ended_ms = excluded.ended_ms`,
        [name, endedMs],
      )
    }
    return () => {
      for (const name of names) this.#remember(name, endedMs)
    }
  }

  #remember(name: string, endedMs: number): void {
    // Last again, so that the order stays that of time.
    this.#endedMs.delete(name)
    this.#endedMs.set(name, endedMs)
    for (const [oldest, oldestMs] of this.#endedMs) {
      const isOver = oldestMs <= this.#now() - this.#lifetimeMs
      if (!isOver && this.#endedMs.size <= this.#max) break
      if (!isOver) this.#floorMs = Math.max(this.#floorMs, oldestMs)
      this.#endedMs.delete(oldest)
    }
  }

  async deleteExpired(): Promise<void> {
    const beforeMs = this.#now() - this.#lifetimeMs
    await this.#sql.run('DELETE FROM ended_sessions WHERE ended_ms <= ?', [beforeMs])
  }
}

interface Options {
  sql: Sql
  /** How long an access token is good. */
  lifetimeMs: number
  now: () => number
  /** How many are remembered; fewer for tests. */
  max?: number
}
