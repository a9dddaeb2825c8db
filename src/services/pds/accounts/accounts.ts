import type { Sealer } from '#platform/runtime'
import type { Sql, SqlParams } from '#platform/storage'
import type { SigningKey } from '#protocol/crypto'
import type { Did, Handle, Tid } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'
import {
  type Account,
  type AccountRow,
  type AccountStatus,
  hosted,
  type ListedAccount,
  type NewAccount,
  openAccount,
  type SyncedFile,
} from './account.ts'
import { emailTaken, HandleClaims, refuseTaken, refuseTakenNames } from './names.ts'

/** Account rows kept in memory: a row is read by each request of its account. */
const CACHED_MAX = 20_000

/**
 * The accounts of this host in the directory database. Handle, status and generation are
 * projections of the journal: only `project*` change them, and only the journal calls those. Each
 * row knows the newest entry it reflects, so that an entry applied again changes nothing.
 */
export class Accounts {
  readonly #sql: Sql
  readonly #sealer: Sealer
  readonly #now: () => number
  readonly #onDeleted: (did: Did, seq: number) => Promise<void>
  readonly #onDropped: ((account: Account) => Promise<void>) | undefined
  /** Handles on their way to an account. */
  readonly claims: HandleClaims
  /** Least recently used first. */
  readonly #cache = new Map<Did, Account>()
  /** All of them that are taken down: whoever hears the events asks for each. */
  readonly #takenDown = new Set<Did>()

  constructor(options: {
    sql: Sql
    sealer: Sealer
    now: () => number
    /** Runs in the transaction that deletes an account: asks for what it left to be erased. */
    onDeleted: (did: Did, seq: number) => Promise<void>
    /** Runs in the transaction that drops a pending account. */
    onDropped?: (account: Account) => Promise<void>
  }) {
    this.#sql = options.sql
    this.#sealer = options.sealer
    this.#now = options.now
    this.claims = new HandleClaims(options)
    this.#onDeleted = options.onDeleted
    this.#onDropped = options.onDropped
  }

  /** Reads what is asked for without a wait, once, before anything else. */
  async prepare(): Promise<void> {
    const sql = `SELECT did FROM accounts WHERE status = 'takendown'`
    for (const { did } of await this.#sql.all<{ did: Did }>(sql)) this.#takenDown.add(did)
  }

  isTakenDown(did: Did): boolean {
    return this.#takenDown.size > 0 && this.#takenDown.has(did)
  }

  /** Undefined for an account that is not hosted here, not any more, or not finished. */
  async get(did: Did): Promise<Account | undefined> {
    return hosted(await this.getAny(did))
  }

  /** Also one that is pending or deleted. */
  async getAny(did: Did): Promise<Account | undefined> {
    return this.#cached(did) ?? (await this.#load('did = ?', did))
  }

  /** The account if it is in memory. */
  peek(did: Did): Account | undefined {
    return this.#cache.get(did)
  }

  async byHandle(handle: Handle): Promise<Account | undefined> {
    return hosted(await this.#load(`handle = ? AND status != 'deleted'`, handle))
  }

  async byEmail(email: string): Promise<Account | undefined> {
    return hosted(await this.#load('email = ?', email.toLowerCase()))
  }

  /** By DID or handle. */
  find(identifier: string): Promise<Account | undefined> {
    return identifier.startsWith('did:')
      ? this.get(identifier as Did)
      : this.byHandle(identifier.toLowerCase() as Handle)
  }

  /** A hosted account by its DID, if it is in memory: for reads that need not wait then. */
  known(identifier: string): Account | undefined {
    return hosted(this.#cached(identifier as Did))
  }

  /** By DID or handle; throws RepoNotFound. */
  async require(identifier: string): Promise<Account> {
    const account = await this.find(identifier)
    if (!account) {
      throw new XrpcError(400, 'RepoNotFound', `Could not find repo: ${identifier}`)
    }
    return account
  }

  /** Accounts whose address or handle has a text in it, or all, in DID order. */
  async search(options: {
    text: string | undefined
    limit: number
    cursor: string | undefined
  }): Promise<Account[]> {
    const { limit, cursor } = options
    const form = `%${options.text?.toLowerCase().replaceAll(/[\\%_]/g, '\\$&') ?? ''}%`
    const rows = await this.#sql.all<AccountRow>(
      `SELECT * FROM accounts WHERE did > ?1 AND status NOT IN ('pending', 'deleted')
         AND (handle LIKE ?2 ESCAPE '\\' OR email LIKE ?2 ESCAPE '\\') ORDER BY did LIMIT ?3`,
      [cursor ?? '', form, limit],
    )
    return rows.map((row) => this.#cached(row.did) ?? openAccount(row, this.#sealer))
  }

  #cached(did: Did): Account | undefined {
    const known = this.#cache.get(did)
    if (known) {
      this.#cache.delete(did)
      this.#cache.set(did, known)
    }
    return known
  }

  async #load(where: string, value: string): Promise<Account | undefined> {
    const row = await this.#sql.get<AccountRow>(`SELECT * FROM accounts WHERE ${where}`, [value])
    return row && this.#remember(row)
  }

  #remember(row: AccountRow): Account {
    const known = this.#cached(row.did)
    if (known) return known
    const account = openAccount(row, this.#sealer)
    this.#cache.set(row.did, account)
    if (this.#cache.size > CACHED_MAX) this.#cache.delete(this.#cache.keys().next().value!)
    return account
  }

  /**
   * Claims handle and email durably before anything leaves the host; `together` runs in the same
   * transaction. Throws HandleNotAvailable, AlreadyExists, or InvalidRequest for an email in use.
   */
  async createPending(
    account: NewAccount,
    together?: (did: Did) => Promise<void>,
  ): Promise<Account> {
    const { did, handle } = account
    await this.#sql.transaction(async (sql) => {
      await together?.(did)
      const generation = await refuseTaken(sql, account)
      await sql.run('INSERT INTO handles (handle, did, claimed_ms) VALUES (?, ?, ?)', [
        handle,
        did,
        this.#now(),
      ])
      await sql.run(
        `INSERT INTO accounts (did, handle, email, password_hash, status, generation, signing_key,
           data_key, plc_operation, born_seq, created_ms)
         VALUES (?, ?, ?, ?, 'pending', ?, ?, ?, ?, ?, ?)`,
        [
          did,
          handle,
          account.email?.toLowerCase() ?? null,
          account.passwordHash,
          generation,
          this.#sealer.seal(account.signingKey.export(), `signing ${did}`),
          this.#sealer.seal(account.dataKey, `data ${did}`),
          account.plcOperation ? JSON.stringify(account.plcOperation) : null,
          account.bornSeq,
          this.#now(),
        ],
      )
    })
    this.#cache.delete(did)
    const made = await this.getAny(did)
    if (!made) throw new Error(`pending account vanished: ${did}`)
    return made
  }

  /** Throws HandleNotAvailable or InvalidRequest early, before anything costly; claims nothing. */
  async requireFree(handle: Handle, email: string | undefined): Promise<void> {
    await refuseTakenNames(this.#sql, handle, email)
  }

  /** Accounts whose creation a crash interrupted, oldest first. */
  async pending(limit: number): Promise<{ account: Account; plcOperation: unknown }[]> {
    const rows = await this.#sql.all<AccountRow>(
      `SELECT * FROM accounts WHERE status = 'pending' ORDER BY created_ms LIMIT ?`,
      [limit],
    )
    return rows.map((row) => ({
      account: this.#remember(row),
      plcOperation: row.plc_operation ? JSON.parse(row.plc_operation) : undefined,
    }))
  }

  /** A sign-up under this handle that the directory of identities has not answered yet. */
  async pendingSignUp(
    handle: Handle,
  ): Promise<{ account: Account; plcOperation: unknown } | undefined> {
    const row = await this.#sql.get<AccountRow>(
      `SELECT * FROM accounts
       WHERE handle = ? AND status = 'pending' AND plc_operation IS NOT NULL`,
      [handle],
    )
    return row && { account: this.#remember(row), plcOperation: JSON.parse(row.plc_operation!) }
  }

  async dropPending(did: Did): Promise<void> {
    await this.#sql.transaction(async (sql) => {
      const account = await this.getAny(did)
      const { changes } = await sql.run(
        `DELETE FROM accounts WHERE did = ? AND status = 'pending'`,
        [did],
      )
      if (changes === 0) return
      await sql.run('DELETE FROM handles WHERE did = ?', [did])
      if (account) await this.#onDropped?.(account)
    })
    this.#cache.delete(did)
  }

  // ── projections of the journal ──

  async projectStatus(did: Did, status: AccountStatus, seq: number): Promise<void> {
    const deactivatedMs = status === 'deactivated' ? this.#now() : null
    const isNew = await this.#project(
      did,
      seq,
      'status = ?, plc_operation = NULL, deactivated_ms = ?',
      [status, deactivatedMs],
    )
    if (isNew && status === 'takendown') this.#takenDown.add(did)
    else if (isNew) this.#takenDown.delete(did)
    const known = this.#cache.get(did)
    if (isNew && known) {
      known.status = status
      known.deactivatedMs = deactivatedMs ?? undefined
    }
  }

  async projectHandle(did: Did, handle: Handle, seq: number): Promise<void> {
    const isNew = await this.#project(did, seq, 'handle = ?', [handle])
    if (!isNew) return
    await this.#sql.run(
      'INSERT INTO handles (handle, did, claimed_ms) VALUES (?, ?, ?) ON CONFLICT (handle) DO NOTHING',
      [handle, did, this.#now()],
    )
    await this.#sql.run('DELETE FROM handles WHERE did = ? AND handle != ?', [did, handle])
    const known = this.#cache.get(did)
    if (known) known.handle = handle
  }

  async projectGeneration(did: Did, generation: number, seq: number): Promise<void> {
    const isNew = await this.#project(did, seq, 'generation = ?, synced_seq = 0', [generation])
    const known = this.#cache.get(did)
    if (isNew && known) Object.assign(known, { generation, syncedSeq: 0 })
  }

  /**
   * The account is gone: its keys and everything that lets somebody in are destroyed, the row stays
   * to say so. Its files and journal payloads are erased by a job.
   */
  async projectDeletion(did: Did, seq: number): Promise<void> {
    await this.#sql.transaction(async (sql) => {
      const isNew = await this.#project(
        did,
        seq,
        `status = 'deleted', email = NULL, email_confirmed_ms = NULL, password_hash = '',
         signing_key = x'', data_key = x'', plc_operation = NULL, delete_after_ms = NULL,
         rev = NULL, head = NULL, synced_seq = 0`,
        [],
      )
      if (!isNew) return
      for (const table of GOES_WITH_ACCOUNT) {
        await sql.run(`DELETE FROM ${table} WHERE did = ?`, [did])
      }
      await this.#onDeleted(did, seq)
    })
    this.#takenDown.delete(did)
    const known = this.#cache.get(did)
    if (known) known.status = 'deleted'
    this.#cache.delete(did)
  }

  /** A change of one row together with the journal's seq; false when the row reflects it already. */
  async #project(did: Did, seq: number, set: string, params: SqlParams): Promise<boolean> {
    const { changes } = await this.#sql.run(
      `UPDATE accounts SET ${set}, applied_seq = ? WHERE did = ? AND applied_seq < ?`,
      [...params, seq, did, seq],
    )
    return changes > 0
  }

  /** Runs projections as one transaction. */
  together(work: () => Promise<void>): Promise<void> {
    return this.#sql.transaction(work)
  }

  /** Notes what is on the disk, with `point` as the place where a replay starts. */
  async saveCheckpoint(point: number, synced: readonly SyncedFile[]): Promise<void> {
    await this.#sql.transaction(async (sql) => {
      await sql.runMany(
        'UPDATE accounts SET synced_seq = ?, rev = ?, head = ? WHERE did = ? AND generation = ?',
        synced.map(({ did, generation, seq, rev, head }) => [
          seq,
          rev ?? null,
          head ?? null,
          did,
          generation,
        ]),
      )
      await sql.run(
        `INSERT INTO settings (name, value) VALUES ('replay-point', ?)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
        [String(point)],
      )
    })
    for (const { did, generation, seq } of synced) {
      const known = this.#cache.get(did)
      if (known?.generation === generation) known.syncedSeq = seq
    }
  }

  /** Where a replay starts: everything up to here is in synced files. */
  async replayPoint(): Promise<number> {
    const row = await this.#sql.get<{ value: string }>(
      `SELECT value FROM settings WHERE name = 'replay-point'`,
    )
    return Number(row?.value ?? 0)
  }

  // ── sign-in state: ordinary SQL, durable by itself ──

  async setPassword(did: Did, passwordHash: string): Promise<void> {
    await this.#sql.run('UPDATE accounts SET password_hash = ? WHERE did = ?', [passwordHash, did])
    const known = this.#cache.get(did)
    if (known) known.passwordHash = passwordHash
  }

  /** The key that signs here is another one; the one before is gone. */
  async setSigningKey(did: Did, key: SigningKey): Promise<void> {
    await this.#sql.run('UPDATE accounts SET signing_key = ? WHERE did = ?', [
      this.#sealer.seal(key.export(), `signing ${did}`),
      did,
    ])
    const known = this.#cache.get(did)
    if (known) known.signingKey = key
  }

  /** Throws InvalidRequest for an address in use. */
  async setEmail(did: Did, email: string, confirmedMs: number | undefined): Promise<void> {
    const address = email.toLowerCase()
    const holder = await this.byEmail(address)
    if (holder && holder.did !== did) throw emailTaken(email)
    await this.#sql.run('UPDATE accounts SET email = ?, email_confirmed_ms = ? WHERE did = ?', [
      address,
      confirmedMs ?? null,
      did,
    ])
    const known = this.#cache.get(did)
    if (known) Object.assign(known, { email: address, emailConfirmedMs: confirmedMs })
  }

  async setFrozenUntil(did: Did, frozenUntilMs: number): Promise<void> {
    await this.#sql.run('UPDATE accounts SET frozen_until_ms = ? WHERE did = ?', [
      frozenUntilMs,
      did,
    ])
    const known = this.#cache.get(did)
    if (known) known.frozenUntilMs = frozenUntilMs
  }

  /** Whether the invite codes that the account earns are good; `note` says why not. */
  async setInvitesDisabled(did: Did, isDisabled: boolean, note: string | undefined): Promise<void> {
    await this.#sql.run('UPDATE accounts SET invites_disabled = ?, invite_note = ? WHERE did = ?', [
      isDisabled ? 1 : 0,
      note ?? null,
      did,
    ])
    const known = this.#cache.get(did)
    if (known) Object.assign(known, { invitesDisabled: isDisabled, inviteNote: note })
  }

  async setDeleteAfter(did: Did, deleteAfterMs: number | undefined): Promise<void> {
    await this.#sql.run('UPDATE accounts SET delete_after_ms = ? WHERE did = ?', [
      deleteAfterMs ?? null,
      did,
    ])
  }

  /** Deactivated accounts whose owner asked for deletion at a time that has come. */
  async dueForDeletion(limit: number): Promise<Did[]> {
    const rows = await this.#sql.all<{ did: Did }>(
      `SELECT did FROM accounts WHERE delete_after_ms <= ? AND status = 'deactivated' LIMIT ?`,
      [this.#now(), limit],
    )
    return rows.map(({ did }) => did)
  }

  /** The newest rev that was noted of an account's repository. */
  async notedRev(did: Did): Promise<Tid | undefined> {
    const row = await this.#sql.get<{ rev: Tid | null }>('SELECT rev FROM accounts WHERE did = ?', [
      did,
    ])
    return row?.rev ?? undefined
  }

  /** The newest seq of the journal that this database knows of; 0 when it knows none. */
  async newestSeq(): Promise<number> {
    const row = await this.#sql.get<{ n: number | null }>(
      'SELECT max(max(applied_seq), max(synced_seq), max(born_seq)) AS n FROM accounts',
    )
    return Math.max(row?.n ?? 0, await this.replayPoint())
  }

  /** How many accounts are hosted here. */
  async count(): Promise<number> {
    const row = await this.#sql.get<{ n: number }>(
      `SELECT count(*) AS n FROM accounts WHERE status NOT IN ('pending', 'deleted')`,
    )
    return row?.n ?? 0
  }

  /** Hosted accounts in DID order, for listRepos. */
  list({ limit, cursor }: { limit: number; cursor?: string }): Promise<ListedAccount[]> {
    return this.#sql.all<ListedAccount>(
      `SELECT did, status, generation, rev, head FROM accounts
       WHERE did > ? AND status NOT IN ('pending', 'deleted') ORDER BY did LIMIT ?`,
      [cursor ?? '', limit],
    )
  }
}

/** Tables whose rows are of an account. */
const GOES_WITH_ACCOUNT = [
  'handles',
  'refresh_tokens',
  'app_passwords',
  'codes',
  'letters',
  'device_accounts',
  'recovery_keys',
  'suspensions',
  'factors',
  'recovery_codes',
  'factor_guesses',
  'sign_ins',
]
