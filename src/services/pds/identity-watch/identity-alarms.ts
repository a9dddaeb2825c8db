import type { Sql } from '#platform/storage'
import type { Did } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'

export type AlarmState = 'open' | 'acknowledged' | 'undone'

export interface StoredAlarm {
  did: Did
  cid: string
  createdMs: number
  seenMs: number
  state: AlarmState
}

/** Alarms kept of an account, the newest: a directory accepts 100 operations a week of one. */
const ALARMS_MAX = 100
/** More letters than one within this would not help anybody. */
const LETTER_PAUSE_MS = 3_600_000

const COLUMNS = 'did, cid, created_ms AS "createdMs", seen_ms AS "seenMs", state'

/** Operations on identities of this host that it knows nothing of. */
export class IdentityAlarms {
  readonly #sql: Sql
  readonly #now: () => number
  readonly #tell: (did: Did, alarm: StoredAlarm) => Promise<void>

  constructor(options: {
    sql: Sql
    now: () => number
    /** Writes to the owner; within the transaction that keeps the alarm. */
    tell: (did: Did, alarm: StoredAlarm) => Promise<void>
  }) {
    this.#sql = options.sql
    this.#now = options.now
    this.#tell = options.tell
  }

  /** Keeps an alarm and writes to the owner, both or neither. Whether it is new. */
  async raise(did: Did, cid: string, createdMs: number): Promise<boolean> {
    const seenMs = this.#now()
    const alarm: StoredAlarm = { did, cid, createdMs, seenMs, state: 'open' }
    return await this.#sql.transaction(async (sql) => {
      const told = await sql.get(
        `SELECT 1 FROM identity_alarms WHERE did = ? AND state = 'open' AND seen_ms > ?`,
        [did, seenMs - LETTER_PAUSE_MS],
      )
      const { changes } = await sql.run(
        `INSERT INTO identity_alarms (did, cid, created_ms, seen_ms, state, changed_ms)
         VALUES (?, ?, ?, ?, 'open', ?) ON CONFLICT DO NOTHING`,
        [did, cid, createdMs, seenMs, seenMs],
      )
      if (changes === 0) return false
      await sql.run(
        `DELETE FROM identity_alarms WHERE did = ? AND created_ms < (SELECT created_ms
         FROM identity_alarms WHERE did = ? ORDER BY created_ms DESC LIMIT 1 OFFSET ?)`,
        [did, did, ALARMS_MAX - 1],
      )
      if (told === undefined) await this.#tell(did, alarm)
      return true
    })
  }

  /** Newest first. */
  list(did: Did): Promise<StoredAlarm[]> {
    return this.#sql.all<StoredAlarm>(
      `SELECT ${COLUMNS} FROM identity_alarms WHERE did = ? ORDER BY created_ms DESC, cid LIMIT ?`,
      [did, ALARMS_MAX],
    )
  }

  /** How many nobody has answered. */
  async openCount(did: Did): Promise<number> {
    const row = await this.#sql.get<{ n: number }>(
      `SELECT count(*) AS n FROM identity_alarms WHERE did = ? AND state = 'open'`,
      [did],
    )
    return row?.n ?? 0
  }

  /** Throws AlarmNotFound. */
  async require(did: Did, cid: string): Promise<StoredAlarm> {
    const alarm = await this.#sql.get<StoredAlarm>(
      `SELECT ${COLUMNS} FROM identity_alarms WHERE did = ? AND cid = ?`,
      [did, cid],
    )
    if (!alarm) throw new XrpcError(400, 'AlarmNotFound', 'No alarm about this operation')
    return alarm
  }

  async settle(did: Did, cids: readonly string[], state: AlarmState): Promise<void> {
    await this.#sql.runMany(
      'UPDATE identity_alarms SET state = ?, changed_ms = ? WHERE did = ? AND cid = ?',
      cids.map((cid) => [state, this.#now(), did, cid]),
    )
  }

  /** Forgets those of accounts that are gone. */
  async tidy(): Promise<void> {
    for (const table of ['identity_alarms', 'watched_accounts']) {
      await this.#sql.run(
        `DELETE FROM ${table} WHERE did NOT IN (SELECT did FROM accounts WHERE status <> 'deleted')`,
      )
    }
  }
}
