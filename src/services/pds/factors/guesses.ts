import type { Sql } from '#platform/storage'
import type { Did } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'

const MINUTE_MS = 60_000
/** Three of a million codes are good at a time: at this pace a guesser needs centuries. */
const WINDOWS: readonly { windowMs: number; max: number }[] = [
  { windowMs: 15 * MINUTE_MS, max: 10 },
  { windowMs: 24 * 60 * MINUTE_MS, max: 30 },
]
/** After so many within a day its owner is told that somebody has the password. */
const TELL_AT = 5

/** Counts guesses at an account's second factor, whoever makes them and from wherever. */
export class FactorGuesses {
  readonly #sql: Sql
  readonly #now: () => number

  constructor({ sql, now }: { sql: Sql; now: () => number }) {
    this.#sql = sql
    this.#now = now
  }

  /**
   * Takes one guess before it is looked at, so that many at once are counted too. Says whether this
   * is the one after which the owner is to be told. Throws RateLimitExceeded (429).
   */
  async take(did: Did): Promise<boolean> {
    const nowMs = this.#now()
    const counts: number[] = []
    for (const { windowMs, max } of WINDOWS) {
      await this.#sql.run(
        `INSERT INTO factor_guesses (did, window_ms, since_ms, count) VALUES (?1, ?2, ?3, 1)
         ON CONFLICT (did, window_ms) DO UPDATE SET
           count = CASE WHEN factor_guesses.since_ms <= ?4 THEN 1 ELSE factor_guesses.count + 1 END,
           since_ms = CASE WHEN factor_guesses.since_ms <= ?4 THEN ?3 ELSE factor_guesses.since_ms END`,
        [did, windowMs, nowMs, nowMs - windowMs],
      )
      const row = await this.#sql.get<{ count: number; since: number }>(
        `SELECT count, since_ms AS since FROM factor_guesses WHERE did = ? AND window_ms = ?`,
        [did, windowMs],
      )
      if (row && row.count > max) throw tooMany(row.since + windowMs - nowMs)
      counts.push(row?.count ?? 0)
    }
    return counts.at(-1) === TELL_AT
  }

  /** It was right: what was counted is forgotten. */
  async forget(did: Did): Promise<void> {
    await this.#sql.run('DELETE FROM factor_guesses WHERE did = ?', [did])
  }
}

function tooMany(waitMs: number): XrpcError {
  const headers = { 'retry-after': String(Math.max(1, Math.ceil(waitMs / 1000))) }
  return new XrpcError(429, 'RateLimitExceeded', 'Too many wrong codes', { headers })
}
