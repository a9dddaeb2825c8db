import type { Sealer } from '#platform/runtime'
import type { Sql, SqlParams } from '#platform/storage'
import { importKey, type SigningKey } from '#protocol/crypto'
import type { Did, Handle } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'

export type AccountStatus = 'pending' | 'active' | 'deactivated' | 'takendown' | 'deleted'

/** One hosted account: its login and hosting state. The signed tree is its repo, elsewhere. */
export interface Account {
  did: Did
  handle: Handle
  email: string | undefined
  emailConfirmedMs: number | undefined
  passwordHash: string
  status: AccountStatus
  generation: number
  signingKey: SigningKey
  /** Seals the account's private journal payloads; destroying it erases them everywhere. */
  dataKey: Uint8Array
  createdMs: number
}

interface AccountRow {
  did: Did
  handle: Handle
  email: string | null
  email_confirmed_ms: number | null
  password_hash: string
  status: AccountStatus
  generation: number
  signing_key: Uint8Array
  data_key: Uint8Array
  created_ms: number
  plc_operation: string | null
}

export interface NewAccount {
  did: Did
  handle: Handle
  email: string | undefined
  passwordHash: string
  signingKey: SigningKey
  dataKey: Uint8Array
  /** The signed genesis operation, when this host creates the identity. */
  plcOperation: unknown | undefined
}

/** Account rows kept in memory: a row is read by each request of its account. */
const CACHED_MAX = 20_000

/**
 * The accounts of this host in the directory database. Handle, status and generation are
 * projections of the journal: only `project*` change them, and only the journal calls those.
 */
export class Accounts {
  readonly #sql: Sql
  readonly #sealer: Sealer
  readonly #now: () => number
  readonly #cache = new Map<Did, Account>()

  constructor({ sql, sealer, now }: { sql: Sql; sealer: Sealer; now: () => number }) {
    this.#sql = sql
    this.#sealer = sealer
    this.#now = now
  }

  /** Undefined for an account that is not hosted here, or whose creation is not finished. */
  async get(did: Did): Promise<Account | undefined> {
    const account = this.#cache.get(did) ?? (await this.#load('did = ?', did))
    return account?.status === 'pending' ? undefined : account
  }

  async byHandle(handle: Handle): Promise<Account | undefined> {
    const account = await this.#load('handle = ?', handle)
    return account?.status === 'pending' ? undefined : account
  }

  async byEmail(email: string): Promise<Account | undefined> {
    const account = await this.#load('email = ?', email.toLowerCase())
    return account?.status === 'pending' ? undefined : account
  }

  /** By DID or handle; throws RepoNotFound. */
  async require(identifier: string): Promise<Account> {
    const account = identifier.startsWith('did:')
      ? await this.get(identifier as Did)
      : await this.byHandle(identifier.toLowerCase() as Handle)
    if (!account) {
      throw new XrpcError(400, 'RepoNotFound', `Could not find repo: ${identifier}`)
    }
    return account
  }

  async #load(where: string, value: string): Promise<Account | undefined> {
    const row = await this.#sql.get<AccountRow>(`SELECT * FROM accounts WHERE ${where}`, [value])
    return row && this.#remember(row)
  }

  #remember(row: AccountRow): Account {
    const known = this.#cache.get(row.did)
    if (known) return known
    const account: Account = {
      did: row.did,
      handle: row.handle,
      email: row.email ?? undefined,
      emailConfirmedMs: row.email_confirmed_ms ?? undefined,
      passwordHash: row.password_hash,
      status: row.status,
      generation: row.generation,
      signingKey: importKey('k256', this.#sealer.open(row.signing_key, `signing ${row.did}`)),
      dataKey: this.#sealer.open(row.data_key, `data ${row.did}`),
      createdMs: row.created_ms,
    }
    this.#cache.set(row.did, account)
    if (this.#cache.size > CACHED_MAX) this.#cache.delete(this.#cache.keys().next().value!)
    return account
  }

  /**
   * Claims handle and email durably before anything leaves the host. Throws HandleNotAvailable,
   * AlreadyExists, or InvalidRequest for an email in use.
   */
  async createPending(account: NewAccount): Promise<void> {
    await this.#sql.transaction(async (sql) => {
      await refuseTaken(sql, account)
      await sql.run(
        `INSERT INTO accounts (did, handle, email, password_hash, status, signing_key, data_key,
           plc_operation, created_ms) VALUES (?, ?, ?, ?, 'pending', ?, ?, ?, ?)`,
        [
          account.did,
          account.handle,
          account.email?.toLowerCase() ?? null,
          account.passwordHash,
          this.#sealer.seal(account.signingKey.export(), `signing ${account.did}`),
          this.#sealer.seal(account.dataKey, `data ${account.did}`),
          account.plcOperation ? JSON.stringify(account.plcOperation) : null,
          this.#now(),
        ],
      )
    })
  }

  /** Accounts whose creation a crash interrupted. */
  async pending(): Promise<(Account & { plcOperation: unknown })[]> {
    const rows = await this.#sql.all<AccountRow>(
      `SELECT * FROM accounts WHERE status = 'pending' ORDER BY created_ms LIMIT 1000`,
    )
    return rows.map((row) => ({
      ...this.#remember(row),
      plcOperation: row.plc_operation ? JSON.parse(row.plc_operation) : undefined,
    }))
  }

  /** A pending account including its signing key: for the one who is creating it. */
  async getPending(did: Did): Promise<Account | undefined> {
    return this.#load('did = ?', did)
  }

  async dropPending(did: Did): Promise<void> {
    await this.#sql.run(`DELETE FROM accounts WHERE did = ? AND status = 'pending'`, [did])
    this.#cache.delete(did)
  }

  // ── projections of the journal ──

  async projectStatus(did: Did, status: AccountStatus, seq: number): Promise<void> {
    const projected = await this.#project(
      seq,
      `UPDATE accounts SET status = ?1, plc_operation = NULL,
         deactivated_ms = CASE WHEN ?1 = 'deactivated' THEN ?2 END WHERE did = ?3`,
      [status, this.#now(), did],
    )
    const known = this.#cache.get(did)
    if (projected && known) known.status = status
  }

  async projectHandle(did: Did, handle: Handle, seq: number): Promise<void> {
    const projected = await this.#project(seq, 'UPDATE accounts SET handle = ? WHERE did = ?', [
      handle,
      did,
    ])
    const known = this.#cache.get(did)
    if (projected && known) known.handle = handle
  }

  async projectGeneration(did: Did, generation: number, seq: number): Promise<void> {
    const projected = await this.#project(seq, 'UPDATE accounts SET generation = ? WHERE did = ?', [
      generation,
      did,
    ])
    const known = this.#cache.get(did)
    if (projected && known) known.generation = generation
  }

  /** A change of the directory with the journal's seq in one transaction; false when it is old. */
  async #project(seq: number, statement: string, params: SqlParams): Promise<boolean> {
    return this.#sql.transaction(async (sql) => {
      const row = await sql.get<{ value: string }>(
        `SELECT value FROM settings WHERE name = 'applied-seq'`,
      )
      if (row && Number(row.value) >= seq) return false
      await sql.run(statement, params)
      await sql.run(
        `INSERT INTO settings (name, value) VALUES ('applied-seq', ?)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
        [String(seq)],
      )
      return true
    })
  }

  // ── sign-in state: ordinary SQL, durable by itself ──

  async setPassword(did: Did, passwordHash: string): Promise<void> {
    await this.#sql.run('UPDATE accounts SET password_hash = ? WHERE did = ?', [passwordHash, did])
    const known = this.#cache.get(did)
    if (known) known.passwordHash = passwordHash
  }

  async setDeleteAfter(did: Did, deleteAfterMs: number | undefined): Promise<void> {
    await this.#sql.run('UPDATE accounts SET delete_after_ms = ? WHERE did = ?', [
      deleteAfterMs ?? null,
      did,
    ])
  }

  /** Hosted accounts in DID order, for listRepos. */
  async list({ limit, cursor }: { limit: number; cursor?: string }): Promise<Account[]> {
    const rows = await this.#sql.all<AccountRow>(
      `SELECT * FROM accounts WHERE did > ? AND status != 'pending' ORDER BY did LIMIT ?`,
      [cursor ?? '', limit],
    )
    return rows.map((row) => this.#remember(row))
  }

  async count(): Promise<number> {
    const row = await this.#sql.get<{ n: number }>('SELECT count(*) AS n FROM accounts')
    return row?.n ?? 0
  }
}

async function refuseTaken(sql: Sql, account: NewAccount): Promise<void> {
  const taken = await sql.get<{ did: Did; handle: Handle; email: string | null }>(
    'SELECT did, handle, email FROM accounts WHERE did = ? OR handle = ? OR email = ?',
    [account.did, account.handle, account.email?.toLowerCase() ?? null],
  )
  if (!taken) return
  if (taken.did === account.did) {
    throw new XrpcError(400, 'AlreadyExists', 'Account already exists on this host')
  }
  if (taken.handle === account.handle) {
    throw new XrpcError(400, 'HandleNotAvailable', `Handle already taken: ${account.handle}`)
  }
  throw new XrpcError(400, 'InvalidRequest', `Email already taken: ${account.email}`)
}
