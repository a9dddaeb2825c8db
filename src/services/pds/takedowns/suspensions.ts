import type { Jobs } from '#platform/runtime'
import type { Sql } from '#platform/storage'
import type { Did } from '#protocol/syntax'
import { invalidRequest, XrpcError } from '#protocol/xrpc'
import type { Account, Accounts } from '../accounts/index.ts'
import type { Standing } from '../standing/index.ts'
import type { Takedowns } from './takedowns.ts'

export const SUSPENSION_JOB = 'end-suspension'

/** An account that cannot come back just now is tried again for as long as it takes. */
export const SUSPENSION_PACE = { maxAttempts: 10_000, pauseMs: () => 60_000 }

/** Ten years: what is meant to last longer has no end. */
const LONGEST_MS = 10 * 366 * 24 * 60 * 60 * 1000

export interface Suspension {
  did: Did
  sinceMs: number
  /** When it ends by itself. */
  untilMs: number | undefined
  ref: string | undefined
}

/** What an account is when nobody holds it back. */
type Free = 'active' | 'deactivated'

interface Row {
  did: Did
  ref: string | null
  previous_status: Free
  until_ms: number | null
  created_ms: number
}

/**
 * Accounts that are paused: as if taken down, but it is not for good. The row comes before the
 * account's standing and goes after it, so that a crash in between leaves what is done again.
 */
export class Suspensions {
  readonly #sql: Sql
  readonly #accounts: Accounts
  readonly #standing: Standing
  readonly #takedowns: Takedowns
  readonly #jobs: Pick<Jobs, 'add' | 'remove'>
  readonly #now: () => number

  constructor(options: {
    sql: Sql
    accounts: Accounts
    standing: Standing
    takedowns: Takedowns
    jobs: Pick<Jobs, 'add' | 'remove'>
    now: () => number
  }) {
    this.#sql = options.sql
    this.#accounts = options.accounts
    this.#standing = options.standing
    this.#takedowns = options.takedowns
    this.#jobs = options.jobs
    this.#now = options.now
  }

  async get(did: Did): Promise<Suspension | undefined> {
    const row = await this.#row(did)
    return row && suspensionOf(row)
  }

  async list({ limit, cursor }: { limit: number; cursor: string | undefined }) {
    const rows = await this.#sql.all<Row>(
      'SELECT * FROM suspensions WHERE did > ? ORDER BY did LIMIT ?',
      [cursor ?? '', limit],
    )
    return rows.map(suspensionOf)
  }

  #row(did: Did): Promise<Row | undefined> {
    return this.#sql.get<Row>('SELECT * FROM suspensions WHERE did = ?', [did])
  }

  /** Pauses an account, or changes until when and why. Throws InvalidRequest. */
  async suspend(
    account: Account,
    { untilMs, ref }: { untilMs: number | undefined; ref: string | undefined },
  ): Promise<Suspension> {
    const { did, status } = account
    const now = this.#now()
    if (status === 'takendown') throw invalidRequest('The account is taken down')
    if (untilMs !== undefined && (untilMs <= now || untilMs > now + LONGEST_MS)) {
      throw invalidRequest('until must lie ahead, at most ten years')
    }
    await this.#sql.run(
      `INSERT INTO suspensions (did, ref, previous_status, until_ms, created_ms)
       VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (did) DO UPDATE SET ref = excluded.ref, until_ms = excluded.until_ms`,
      [did, ref ?? null, status === 'deactivated' ? status : 'active', untilMs ?? null, now],
    )
    await this.#jobs.remove(SUSPENSION_JOB, did)
    if (untilMs !== undefined) await this.#jobs.add(SUSPENSION_JOB, did, {}, untilMs)
    await this.#standing.holdBack(account, 'suspended')
    return (await this.get(did)) ?? { did, sinceMs: now, untilMs, ref }
  }

  /** Throws NotFound for an account that is not suspended. */
  async end(account: Account): Promise<void> {
    const { did } = account
    const row = await this.#row(did)
    if (!row) throw new XrpcError(400, 'NotFound', `Not suspended: ${did}`)
    if (this.#takedowns.get(did)?.previousStatus === 'suspended') {
      await this.#takedowns.setPrevious(did, row.previous_status)
    }
    if (account.status === 'suspended') {
      await this.#standing.letGo(account, 'suspended', row.previous_status)
    }
    await this.forget(did)
  }

  /** The account is gone, or free again. */
  async forget(did: Did): Promise<void> {
    await this.#sql.run('DELETE FROM suspensions WHERE did = ?', [did])
    await this.#jobs.remove(SUSPENSION_JOB, did)
  }

  /** The job: ends what is over by now. */
  async endIfOver(did: Did): Promise<void> {
    const row = await this.#row(did)
    if (!row || (row.until_ms ?? Number.POSITIVE_INFINITY) > this.#now()) return
    const account = await this.#accounts.get(did)
    await (account ? this.end(account) : this.forget(did))
  }

  /** An account that is held back stays so; let go, it is this. */
  async whenFree({ did, status }: Account, free: Free): Promise<void> {
    const isUnder = status === 'takendown' && this.#takedowns.get(did)?.previousStatus
    if (status === 'suspended' || isUnder === 'suspended') {
      const sql = 'UPDATE suspensions SET previous_status = ? WHERE did = ?'
      await this.#sql.run(sql, [free, did])
    } else if (status === 'takendown') await this.#takedowns.setPrevious(did, free)
  }
}

const suspensionOf = ({ did, ref, until_ms, created_ms }: Row): Suspension => ({
  did,
  sinceMs: created_ms,
  untilMs: until_ms ?? undefined,
  ref: ref ?? undefined,
})
