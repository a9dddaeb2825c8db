import { pack, SealError, type Sealer, unpack } from '#platform/runtime'
import type { Sql } from '#platform/storage'
import type { PrivateState } from '#protocol/account'
import { sha256 } from '#protocol/crypto'
import { equalBytes } from '#protocol/data'
import type { KeptAccount } from './accounts.ts'
import { Damaged } from './packs.ts'

type Owner = Pick<KeptAccount, 'aid' | 'did'>

/** The largest one that is kept, as JSON. */
export const PRIVATE_BYTES_MAX = 32 * 1024 * 1024
/** What all states of one account take, sealed; the oldest go first, the newest never. */
const KEPT_BYTES_MAX = 64 * 1024 * 1024

/** When notifications were last looked at: no state of its own, or there were one a visit. */
const SEEN = 'app.falaj.appview.defs#seen'

/** What is known of accounts beside their repositories, each state that differs from the one before. */
export class PrivateStates {
  readonly #sql: Sql
  readonly #now: () => number

  constructor({ sql, now }: { sql: Sql; now: () => number }) {
    this.#sql = sql
    this.#now = now
  }

  /** Keeps a state as of now; whether it differs from the newest. */
  async put({ aid, did }: Owner, sealer: Sealer, state: PrivateState): Promise<boolean> {
    const hash = sha256(new TextEncoder().encode(compared(state)))
    const plain = new TextEncoder().encode(JSON.stringify(state))
    const packed = await pack(plain)
    return this.#sql.transaction(async (sql) => {
      const alive = 'select 1 from account where aid = ? and key is not null'
      if ((await sql.get(alive, [aid])) === undefined) return false // erased meanwhile
      const newest = await sql.get<{ id: number; time_ms: number; hash: Uint8Array }>(
        'select id, time_ms, hash from private_state where aid = ? order by time_ms desc limit 1',
        [aid],
      )
      await sql.run('update account set private_ms = ?, private_problem = null where aid = ?', [
        ...[this.#now(), aid],
      ])
      if (newest && equalBytes(newest.hash, hash)) {
        const bytes = sealer.seal(packed, purpose(did, newest.time_ms))
        await sql.run('update private_state set bytes = ? where id = ?', [bytes, newest.id])
        return false
      }
      const timeMs = Math.max(this.#now(), (newest?.time_ms ?? 0) + 1)
      await sql.run(
        'insert into private_state (aid, time_ms, hash, bytes, size) values (?, ?, ?, ?, ?)',
        [aid, timeMs, hash, sealer.seal(packed, purpose(did, timeMs)), plain.length],
      )
      await sql.run(
        `delete from private_state where aid = ? and time_ms < ? and id in
           (select id from (select id, sum(length(bytes)) over (order by time_ms desc) as kept
            from private_state where aid = ?) where kept > ?)`,
        [aid, timeMs, aid, KEPT_BYTES_MAX],
      )
      return true
    })
  }

  /** The state at a time; undefined when nothing so old is kept. Throws Damaged. */
  async at({ aid, did }: Owner, sealer: Sealer, timeMs: number): Promise<PrivateState | undefined> {
    const row = await this.#sql.get<{ time_ms: number; bytes: Uint8Array }>(
      `select time_ms, bytes from private_state where aid = ? and time_ms <= ?
       order by time_ms desc limit 1`,
      [aid, timeMs],
    )
    if (row === undefined) return undefined
    try {
      const packed = sealer.open(row.bytes, purpose(did, row.time_ms))
      return JSON.parse(new TextDecoder().decode(unpack(packed, PRIVATE_BYTES_MAX)))
    } catch (error) {
      if (!(error instanceof SealError)) throw error
      throw new Damaged(`private state of ${row.time_ms}: ${error.message}`, { aid })
    }
  }

  /** How many states there are, and the newest. */
  async span(aid: number): Promise<{ count: number; newestMs: number; problem: string | null }> {
    const row = await this.#sql.get<{ count: number; newest: number; problem: string | null }>(
      `select count(*) as count, coalesce(max(time_ms), 0) as newest,
         (select private_problem from account where aid = ?) as problem
       from private_state where aid = ?`,
      [aid, aid],
    )
    return { count: row!.count, newestMs: row!.newest, problem: row!.problem }
  }
}

/** One cannot stand in for another account's, nor for one of another time. */
const purpose = (did: string, timeMs: number) => `private state of ${did} ${timeMs}`

/** What tells two states apart, in one order. */
function compared({ preferences, appPasswords, appview }: PrivateState): string {
  const items = appview?.items.filter((one) => (one as { $type?: unknown }).$type !== SEEN)
  const sorted = (list: unknown[] | undefined) => list?.map(ordered).sort()
  return JSON.stringify([sorted(preferences), sorted(appPasswords), appview?.did, sorted(items)])
}

/** JSON with the keys of every object in order. */
const ordered = (value: unknown): string =>
  JSON.stringify(value, (_, one) =>
    typeof one === 'object' && one !== null && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  )
