import type { Sealer } from '#platform/runtime'
import type { Sql, SqlValue } from '#platform/storage'
import type {
  FleetAccount,
  FleetAccountState,
  FleetProof,
  FleetRow,
  FleetSettings,
  FleetState,
  FleetView,
  MoveOutlook,
} from '#protocol/account'
import type { Did, Handle } from '#protocol/syntax'

/** What opens an account at the old host, and here: sealed, and emptied when it has arrived. */
export interface AccountSecrets
  extends Pick<FleetRow, 'password' | 'refreshJwt' | 'newPassword' | 'email' | 'inviteCode'> {
  /** Of the account here until `passwordHash` takes its place. */
  placeholder?: string | undefined
  passwordHash?: string | undefined
}

/** An operator of the old host. */
export interface SourceOperator {
  name: string
  password: string
}

export interface KeptSettings extends FleetSettings {
  /** Failures of a wave that an operator knew of when they let the fleet go on. */
  forgiven?: { wave: number; failed: number } | undefined
}

export interface Fleet {
  id: string
  name: string
  source: string
  state: FleetState
  why: FleetView['why']
  wave: number
  version: number
  settings: KeptSettings
  operator: string | undefined
  createdBy: string
  createdMs: number
  changedMs: number
}

/** One account of a fleet. */
export interface Member {
  fleet: string
  account: string
  position: number
  wave: number
  proof: FleetProof
  handle: Handle | undefined
  state: FleetAccountState
  did: Did | undefined
  move: string | undefined
  tries: number
  dueMs: number
  needs: FleetAccount['needs']
  plan: MoveOutlook | undefined
  problem: string | undefined
  changedMs: number
}

export interface MemberChange {
  state?: FleetAccountState
  did?: Did
  move?: string
  tries?: number
  dueMs?: number
  needs?: FleetAccount['needs'] | null
  plan?: MoveOutlook
  problem?: string | null
  /** Null forgets them. */
  secrets?: AccountSecrets | null
}

type Stored = { [name: string]: SqlValue }

/** Accounts of one fleet. */
export const FLEET_MAX = 20_000
const LISTED_MAX = 100
/** At their end, or with nobody at work on them. */
const OVER = "('done', 'failed', 'blocked', 'abandoned')"

/** The rows of fleets; whoever waits for one is woken when it changes. */
export class FleetRows {
  readonly #sql: Sql
  readonly #sealer: Sealer
  readonly #now: () => number

  constructor({ sql, sealer, now }: { sql: Sql; sealer: Sealer; now: () => number }) {
    this.#sql = sql
    this.#sealer = sealer
    this.#now = now
  }

  /** Adds a fleet unless one of that name goes on; says which. */
  async add(
    fleet: Pick<Fleet, 'id' | 'name' | 'source' | 'settings' | 'createdBy'>,
    operator: SourceOperator | undefined,
  ): Promise<{ fleet: Fleet; isNew: boolean }> {
    const { id, name, source, settings, createdBy } = fleet
    const nowMs = this.#now()
    const { changes } = await this.#sql.run(
      `INSERT INTO fleets (id, name, source, state, wave, version, settings, operator, sealed,
         created_by, created_ms, changed_ms)
       VALUES (?, ?, ?, 'draft', 0, 1, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
      [
        ...[id, name, source, JSON.stringify(settings), operator?.name ?? null],
        operator ? this.#seal(operator, fleetPurpose(id)) : null,
        ...[createdBy, nowMs, nowMs],
      ],
    )
    const row = await this.#sql.get<Stored>(
      "SELECT * FROM fleets WHERE name = ? AND state NOT IN ('done', 'abandoned')",
      [name],
    )
    return { fleet: fleetOf(row!), isNew: changes > 0 }
  }

  async get(id: string): Promise<Fleet | undefined> {
    const row = await this.#sql.get<Stored>('SELECT * FROM fleets WHERE id = ?', [id])
    return row && fleetOf(row)
  }

  /** Newest first. */
  async list(): Promise<Fleet[]> {
    const rows = await this.#sql.all<Stored>(
      'SELECT * FROM fleets ORDER BY created_ms DESC, id LIMIT ?',
      [LISTED_MAX],
    )
    return rows.map(fleetOf)
  }

  /** Those in which something is to be done, or goes on. */
  async open(): Promise<Fleet[]> {
    const rows = await this.#sql.all<Stored>(
      `SELECT * FROM fleets WHERE state IN ('checking', 'running', 'abandoning')
         OR EXISTS (SELECT 1 FROM fleet_accounts a WHERE a.fleet = fleets.id AND a.state = 'moving')
       ORDER BY created_ms, id`,
    )
    return rows.map(fleetOf)
  }

  /** Whether any fleet may be waited for. */
  async hasOpen(): Promise<boolean> {
    const over = "('draft', 'checked', 'done', 'abandoned')"
    return (
      (await this.#sql.get(`SELECT 1 FROM fleets WHERE state NOT IN ${over} LIMIT 1`)) !== undefined
    )
  }

  async operator(id: string): Promise<SourceOperator | undefined> {
    const row = await this.#sql.get<Stored>('SELECT sealed FROM fleets WHERE id = ?', [id])
    return row?.sealed ? this.#open(row.sealed as Uint8Array, fleetPurpose(id)) : undefined
  }

  async setOperator(id: string, operator: SourceOperator): Promise<void> {
    await this.#sql.run('UPDATE fleets SET operator = ?, sealed = ? WHERE id = ?', [
      operator.name,
      this.#seal(operator, fleetPurpose(id)),
      id,
    ])
  }

  /** Changes a fleet; with `from` only if it is in one of those states. Says whether it was. */
  async change(
    id: string,
    change: {
      state?: FleetState
      why?: Fleet['why'] | null
      wave?: number
      settings?: KeptSettings
    },
    from?: readonly FleetState[],
  ): Promise<boolean> {
    const sets: [string, SqlValue][] = []
    if (change.state) sets.push(['state', change.state], ['why', change.why ?? null])
    if (change.wave !== undefined) sets.push(['wave', change.wave])
    if (change.settings) sets.push(['settings', JSON.stringify(change.settings)])
    const where = from ? ` AND state IN (${from.map(() => '?').join(', ')})` : ''
    const { changes } = await this.#sql.run(
      `UPDATE fleets SET ${sets.map(([name]) => `${name} = ?`).join(', ')},
         version = version + 1, changed_ms = ? WHERE id = ?${where}`,
      [...sets.map(([, value]) => value), this.#now(), id, ...(from ?? [])],
    )
    return changes > 0
  }

  /** A fleet that has ended keeps nothing that opens anything. */
  async forget(id: string): Promise<void> {
    await this.#sql.run('UPDATE fleets SET sealed = NULL WHERE id = ?', [id])
    await this.#sql.run('UPDATE fleet_accounts SET sealed = NULL WHERE fleet = ?', [id])
  }

  /** Those whose fleets nobody touched since then. */
  async forgetBefore(ms: number): Promise<void> {
    const old =
      "(SELECT id FROM fleets WHERE changed_ms < ? AND state IN ('done', 'paused', 'checked', 'draft'))"
    await this.#sql.run(`UPDATE fleet_accounts SET sealed = NULL WHERE fleet IN ${old}`, [ms])
    await this.#sql.run(`UPDATE fleets SET sealed = NULL WHERE id IN ${old}`, [ms])
  }

  /** Those that are in it already stay as they are. Undefined when it would be too many. */
  addMembers(fleet: string, rows: readonly FleetRow[]): Promise<number | undefined> {
    const nowMs = this.#now()
    return this.#sql.transaction(async (sql) => {
      const last = await sql.get<{ n: number | null }>(
        'SELECT max(position) AS n FROM fleet_accounts WHERE fleet = ?',
        [fleet],
      )
      const from = (last?.n ?? 0) + 1
      if (from + rows.length > FLEET_MAX) return undefined
      const { changes } = await sql.runMany(
        `INSERT INTO fleet_accounts
           (fleet, account, position, wave, proof, handle, state, tries, due_ms, sealed, changed_ms)
         VALUES (?, ?, ?, ?, ?, ?, 'waiting', 0, 0, ?, ?) ON CONFLICT DO NOTHING`,
        rows.map((row, i) => {
          const { account, password, refreshJwt, newPassword, email, inviteCode } = row
          const secrets = { password, refreshJwt, newPassword, email, inviteCode }
          return [
            ...[fleet, account, from + i, row.wave ?? 1, row.proof, row.handle ?? null],
            this.#seal(secrets, memberPurpose(fleet, account)),
            nowMs,
          ]
        }),
      )
      return changes
    })
  }

  /** How many there are, by state and wave. */
  async counts(fleet: string): Promise<{ state: FleetAccountState; wave: number; n: number }[]> {
    return this.#sql.all(
      'SELECT state, wave, count(*) AS n FROM fleet_accounts WHERE fleet = ? GROUP BY state, wave',
      [fleet],
    )
  }

  async members(
    fleet: string,
    { after, state, limit }: { after: number; state?: string | undefined; limit: number },
  ): Promise<Member[]> {
    const rows = await this.#sql.all<Stored>(
      `SELECT * FROM fleet_accounts WHERE fleet = ? AND position > ?
         ${state === undefined ? '' : 'AND state = ?'} ORDER BY position LIMIT ?`,
      [fleet, after, ...(state === undefined ? [] : [state]), limit],
    )
    return rows.map(memberOf)
  }

  async member(fleet: string, account: string): Promise<Member | undefined> {
    const row = await this.#sql.get<Stored>(
      'SELECT * FROM fleet_accounts WHERE fleet = ? AND account = ?',
      [fleet, account],
    )
    return row && memberOf(row)
  }

  /** Who stands before it in the table with the same identity. */
  async twin({ fleet, position }: Member, did: Did): Promise<string | undefined> {
    const row = await this.#sql.get<{ account: string }>(
      'SELECT account FROM fleet_accounts WHERE fleet = ? AND did = ? AND position < ?',
      [fleet, did, position],
    )
    return row?.account
  }

  /** In these states and due, in the order of the table; of one wave where that is given. */
  async due(
    fleet: string,
    states: readonly FleetAccountState[],
    { wave, limit }: { wave?: number; limit: number },
  ): Promise<Member[]> {
    const rows = await this.#sql.all<Stored>(
      `SELECT * FROM fleet_accounts WHERE fleet = ?
         AND state IN (${states.map(() => '?').join(', ')}) AND due_ms <= ?
         ${wave === undefined ? '' : 'AND wave = ?'} ORDER BY position LIMIT ?`,
      [fleet, ...states, this.#now(), ...(wave === undefined ? [] : [wave]), limit],
    )
    return rows.map(memberOf)
  }

  /** When the next account falls due of those that wait. */
  async nextDueMs(): Promise<number | undefined> {
    const row = await this.#sql.get<{ ms: number | null }>(
      `SELECT min(a.due_ms) AS ms FROM fleets f JOIN fleet_accounts a ON a.fleet = f.id
       WHERE f.state IN ('checking', 'running', 'abandoning')
         AND a.state IN ('waiting', 'checked') AND a.due_ms > ?`,
      [this.#now()],
    )
    return row?.ms ?? undefined
  }

  /** Whose owner did what was theirs to do, or whose move ended without them: looked at again. */
  async backFromOwners(): Promise<void> {
    await this.#sql.run(
      `UPDATE fleet_accounts SET state = 'moving', needs = NULL WHERE state = 'owner' AND EXISTS (
         SELECT 1 FROM moves m WHERE m.id = fleet_accounts.move AND (
           m.state IN ('done', 'failed', 'abandoned')
           OR (m.state = 'running' AND coalesce(fleet_accounts.needs, '') <> 'document')))`,
    )
  }

  async secrets({ fleet, account }: Member): Promise<AccountSecrets> {
    const row = await this.#sql.get<Stored>(
      'SELECT sealed FROM fleet_accounts WHERE fleet = ? AND account = ?',
      [fleet, account],
    )
    return row?.sealed ? this.#open(row.sealed as Uint8Array, memberPurpose(fleet, account)) : {}
  }

  async set({ fleet, account }: Member, change: MemberChange): Promise<void> {
    const { secrets } = change
    const sealed = secrets && this.#seal(secrets, memberPurpose(fleet, account))
    const all: [string, SqlValue | undefined][] = [
      ['state', change.state],
      ['did', change.did],
      ['move', change.move],
      ['tries', change.tries],
      ['due_ms', change.dueMs],
      ['needs', change.needs],
      ['plan', change.plan && JSON.stringify(change.plan)],
      ['problem', change.problem],
      ['sealed', secrets === undefined ? undefined : (sealed ?? null)],
    ]
    const sets = all.filter((one): one is [string, SqlValue] => one[1] !== undefined)
    const nowMs = this.#now()
    await this.#sql.transaction(async (sql) => {
      await sql.run(
        `UPDATE fleet_accounts SET ${sets.map(([name]) => `${name} = ?, `).join('')}changed_ms = ?
         WHERE fleet = ? AND account = ?`,
        [...sets.map(([, value]) => value), nowMs, fleet, account],
      )
      await sql.run('UPDATE fleets SET version = version + 1, changed_ms = ? WHERE id = ?', [
        nowMs,
        fleet,
      ])
    })
  }

  /** All of some states come to another; with `unmoved` only those that no job carries. */
  async setAll(
    fleet: string,
    from: readonly FleetAccountState[],
    state: FleetAccountState,
    { unmoved = false } = {},
  ): Promise<void> {
    await this.#sql.run(
      `UPDATE fleet_accounts SET state = ?, tries = 0, due_ms = 0, problem = NULL, changed_ms = ?
       WHERE fleet = ? AND state IN (${from.map(() => '?').join(', ')})
         ${unmoved ? 'AND move IS NULL' : ''}`,
      [state, this.#now(), fleet, ...from],
    )
  }

  /** The lowest wave that has accounts which are not at their end, nor with their owners. */
  async wave(fleet: string): Promise<number | undefined> {
    const row = await this.#sql.get<{ wave: number | null }>(
      `SELECT min(wave) AS wave FROM fleet_accounts
       WHERE fleet = ? AND state NOT IN ${OVER} AND state <> 'owner'`,
      [fleet],
    )
    return row?.wave ?? undefined
  }

  #seal(value: object, purpose: string): Uint8Array {
    return this.#sealer.seal(new TextEncoder().encode(JSON.stringify(value)), purpose)
  }

  #open<T>(sealed: Uint8Array, purpose: string): T {
    return JSON.parse(new TextDecoder().decode(this.#sealer.open(sealed, purpose))) as T
  }
}

const fleetPurpose = (id: string) => `fleet ${id}`
const memberPurpose = (fleet: string, account: string) => `fleet ${fleet} ${account}`

// biome-ignore lint/suspicious/noExplicitAny: rows are what the migration says
function fleetOf(row: any): Fleet {
  return {
    id: row.id,
    name: row.name,
    source: row.source,
    state: row.state,
    why: row.why ?? undefined,
    wave: row.wave,
    version: row.version,
    settings: JSON.parse(row.settings),
    operator: row.operator ?? undefined,
    createdBy: row.created_by,
    createdMs: row.created_ms,
    changedMs: row.changed_ms,
  }
}

// biome-ignore lint/suspicious/noExplicitAny: rows are what the migration says
function memberOf(row: any): Member {
  return {
    fleet: row.fleet,
    account: row.account,
    position: row.position,
    wave: row.wave,
    proof: row.proof,
    handle: row.handle ?? undefined,
    state: row.state,
    did: row.did ?? undefined,
    move: row.move ?? undefined,
    tries: row.tries,
    dueMs: row.due_ms,
    needs: row.needs ?? undefined,
    plan: row.plan === null ? undefined : JSON.parse(row.plan),
    problem: row.problem ?? undefined,
    changedMs: row.changed_ms,
  }
}
