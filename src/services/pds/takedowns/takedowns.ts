import type { Sql } from '#platform/storage'
import type { AccountStatus } from '../accounts/index.ts'

export interface Takedown {
  ref: string | undefined
  /** Of an account: what it was before. */
  previousStatus: AccountStatus | undefined
}

/** The name of a subject: a DID, an AT-URI, or a blob of an account. */
export function takedownKey(subject: { did: string; cid: string } | string): string {
  return typeof subject === 'string' ? subject : `${subject.did} ${subject.cid}`
}

/** What the operator has taken down. All of it is in memory: reads ask for each record. */
export class Takedowns {
  readonly #sql: Sql
  readonly #now: () => number
  readonly #down: Map<string, Takedown>

  private constructor(options: { sql: Sql; now: () => number }, down: Map<string, Takedown>) {
    this.#sql = options.sql
    this.#now = options.now
    this.#down = down
  }

  static async load(options: { sql: Sql; now: () => number }): Promise<Takedowns> {
    const rows = await options.sql.all<{
      subject: string
      ref: string | null
      previous_status: AccountStatus | null
    }>('SELECT subject, ref, previous_status FROM takedowns')
    const down = rows.map(({ subject, ref, previous_status }): [string, Takedown] => [
      subject,
      { ref: ref ?? undefined, previousStatus: previous_status ?? undefined },
    ])
    return new Takedowns(options, new Map(down))
  }

  get(key: string): Takedown | undefined {
    return this.#down.get(key)
  }

  has(key: string): boolean {
    return this.#down.size > 0 && this.#down.has(key)
  }

  /** Without a previous status, as when it is taken down again, a subject keeps the one that is known. */
  async add(key: string, { ref, previousStatus }: Takedown): Promise<void> {
    await this.#sql.run(
      `INSERT INTO takedowns (subject, ref, previous_status, created_ms) VALUES (?, ?, ?, ?)
       ON CONFLICT (subject) DO UPDATE SET ref = excluded.ref,
         previous_status = COALESCE(excluded.previous_status, previous_status)`,
      [key, ref ?? null, previousStatus ?? null, this.#now()],
    )
    this.#down.set(key, {
      ref,
      previousStatus: previousStatus ?? this.#down.get(key)?.previousStatus,
    })
  }

  /** What an account that is taken down will be when it is brought back. */
  async setPrevious(key: string, previousStatus: AccountStatus): Promise<void> {
    const down = this.#down.get(key)
    if (!down) return
    await this.#sql.run('UPDATE takedowns SET previous_status = ? WHERE subject = ?', [
      previousStatus,
      key,
    ])
    this.#down.set(key, { ...down, previousStatus })
  }

  async remove(key: string): Promise<void> {
    await this.#sql.run('DELETE FROM takedowns WHERE subject = ?', [key])
    this.#down.delete(key)
  }
}
