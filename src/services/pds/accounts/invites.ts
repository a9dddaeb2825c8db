import type { Sql } from '#platform/storage'
import { base32 } from '#protocol/crypto'
import type { Datetime, Did } from '#protocol/syntax'
import { invalidRequest, XrpcError } from '#protocol/xrpc'
import type { Account } from './account.ts'

/** The operator, as the maker or the holder of a code. */
export const OPERATOR = 'admin'

/** Whether sign-up needs a code, and how accounts earn codes of their own. */
export interface InvitePolicy {
  required: boolean
  /** An account earns a code in each such interval; undefined: it earns none. */
  intervalMs: number | undefined
  /** Only intervals that began after this instant count. */
  epochMs: number
}

/** A code as the lexicons show it. */
export interface InviteCode {
  code: string
  available: number
  disabled: boolean
  forAccount: string
  createdBy: string
  createdAt: Datetime
  uses: { usedBy: Did; usedAt: Datetime }[]
}

interface CodeRow {
  code: string
  available: number
  used_count: number
  disabled: number
  for_account: string
  created_by: string
  created_ms: number
}

/** Earned and unused codes of one account at a time. */
const OPEN_MAX = 5
/** Codes of one call. */
const CREATED_MAX = 10_000
const USES_MAX = 1_000_000
/** Between the use of a code and the row of the account that it belongs to. */
const SAME_SIGN_UP_MS = 60_000
const PARAMS_MAX = 500

/** Invite codes: each good for a number of sign-ups, given by the operator or earned by time. */
export class Invites {
  readonly policy: InvitePolicy
  readonly #sql: Sql
  readonly #prefix: string
  readonly #now: () => number
  readonly #random: (byteCount: number) => Uint8Array

  constructor(options: {
    sql: Sql
    policy: InvitePolicy
    /** The host's name: codes begin with it, so that people see where they are good. */
    hostname: string
    now: () => number
    random: (byteCount: number) => Uint8Array
  }) {
    this.#sql = options.sql
    this.policy = options.policy
    // Without dots nobody takes a code for a link.
    this.#prefix = options.hostname.replaceAll('.', '-')
    this.#now = options.now
    this.#random = options.random
  }

  /** `codeCount` codes for each account, by the operator. Throws InvalidRequest. */
  async create(options: {
    codeCount: number
    useCount: number
    forAccounts: readonly string[]
  }): Promise<{ account: string; codes: string[] }[]> {
    const { codeCount, useCount, forAccounts } = options
    if (codeCount < 1 || codeCount * forAccounts.length > CREATED_MAX) {
      throw invalidRequest(`Between 1 and ${CREATED_MAX} codes at once`)
    }
    if (useCount < 1 || useCount > USES_MAX) {
      throw invalidRequest(`A code is good for 1 to ${USES_MAX} sign-ups`)
    }
    const made = forAccounts.map((account) => ({ account, codes: this.#codes(codeCount) }))
    await this.#sql.runMany(
      INSERT,
      made.flatMap(({ account, codes }) =>
        codes.map((code) => [code, useCount, 0, account, OPERATOR, this.#now()]),
      ),
    )
    return made
  }

  #codes(count: number): string[] {
    return Array.from({ length: count }, () => {
      const letters = base32(this.#random(7)).slice(0, 10)
      return `${this.#prefix}-${letters.slice(0, 5)}-${letters.slice(5)}`
    })
  }

  /**
   * Uses up one sign-up of a code, in the transaction that claims the names. A code that is brought
   * must be good even where none is needed. Throws InvalidInviteCode.
   */
  async use(code: string | undefined, did: Did): Promise<void> {
    if (code === undefined || code === '') {
      if (this.policy.required) throw invalidCode('No invite code provided')
      return
    }
    const { changes } = await this.#sql.run(
      `UPDATE invite_codes SET used_count = used_count + 1
       WHERE code = ? AND used_count < available AND disabled = 0 AND for_account NOT IN
         (SELECT did FROM accounts WHERE did = for_account AND status IN ('takendown', 'suspended'))`,
      [code],
    )
    if (changes === 0) throw invalidCode('Provided invite code not available')
    await this.#sql.run('INSERT INTO invite_uses (code, used_by, used_ms) VALUES (?, ?, ?)', [
      code,
      did,
      this.#now(),
    ])
  }

  /** A sign-up came to nothing: its code is as good as before. */
  async giveBack({ did, createdMs }: Pick<Account, 'did' | 'createdMs'>): Promise<void> {
    const uses = await this.#sql.all<{ code: string; used_ms: number }>(
      'SELECT code, used_ms FROM invite_uses WHERE used_by = ? AND used_ms BETWEEN ? AND ?',
      [did, createdMs - SAME_SIGN_UP_MS, createdMs],
    )
    for (const { code, used_ms } of uses) {
      await this.#sql.run(
        'DELETE FROM invite_uses WHERE code = ? AND used_by = ? AND used_ms = ?',
        [code, did, used_ms],
      )
      await this.#sql.run(
        'UPDATE invite_codes SET used_count = used_count - 1 WHERE code = ? AND used_count > 0',
        [code],
      )
    }
  }

  /** Codes held by an account, oldest first; those it has earned by now are made when `earn` says so. */
  async ofAccount(
    account: Pick<Account, 'did' | 'createdMs' | 'invitesDisabled'>,
    { earn = false } = {},
  ): Promise<InviteCode[]> {
    const { required, intervalMs } = this.policy
    if (earn && required && intervalMs) await this.#earn(account, intervalMs)
    return (await this.ofAccounts([account.did])).get(account.did) ?? []
  }

  /** In one transaction, so that no two calls make the same codes. */
  #earn(
    { did, createdMs, invitesDisabled }: Pick<Account, 'did' | 'createdMs' | 'invitesDisabled'>,
    intervalMs: number,
  ): Promise<void> {
    const { epochMs } = this.policy
    const age = (ms: number) => Math.floor(Math.max(0, ms - createdMs) / intervalMs)
    const earnedCount = age(this.#now()) - age(epochMs)
    return this.#sql.transaction(async (sql) => {
      const { made, open } = (await sql.get<{ made: number; open: number }>(
        `SELECT count(*) FILTER (WHERE created_ms > ?) AS made,
           count(*) FILTER (WHERE disabled = 0 AND used_count < available) AS open
         FROM invite_codes WHERE for_account = ? AND created_by != ?`,
        [epochMs, did, OPERATOR],
      )) ?? { made: 0, open: 0 }
      const count = Math.min(OPEN_MAX - open, earnedCount - made)
      // Made also while they are stopped, and stopped at once: the time spent does not come back.
      for (const code of this.#codes(Math.max(0, count))) {
        await sql.run(INSERT, [code, 1, invitesDisabled ? 1 : 0, did, did, this.#now()])
      }
    })
  }

  /** Codes by the account that holds them. */
  async ofAccounts(dids: readonly Did[]): Promise<Map<string, InviteCode[]>> {
    const rows = await inChunks(dids, (chunk) =>
      this.#sql.all<CodeRow>(
        `SELECT * FROM invite_codes WHERE for_account IN (${marks(chunk)})
         ORDER BY created_ms, code`,
        chunk,
      ),
    )
    return Map.groupBy(await this.#withUses(rows), ({ forAccount }) => forAccount)
  }

  /** The codes that accounts signed up with, by account. */
  async invitersOf(dids: readonly Did[]): Promise<Map<string, InviteCode>> {
    const rows = await inChunks(dids, (chunk) =>
      this.#sql.all<CodeRow & { used_by: string }>(
        `SELECT c.*, u.used_by AS used_by FROM invite_uses u JOIN invite_codes c ON c.code = u.code
         WHERE u.used_by IN (${marks(chunk)}) ORDER BY u.used_ms`,
        chunk,
      ),
    )
    const codes = await this.#withUses(rows)
    return new Map(rows.map(({ used_by }, index) => [used_by, codes[index]!]))
  }

  /** A page of all codes, the newest or the most used first. Throws InvalidRequest. */
  async list(options: {
    sort: string
    limit: number
    cursor: string | undefined
  }): Promise<{ codes: InviteCode[]; cursor: string | undefined }> {
    const { sort, limit } = options
    const column = sort === 'recent' ? 'created_ms' : sort === 'usage' ? 'used_count' : undefined
    if (!column) throw invalidRequest(`unknown sort method: ${sort.slice(0, 64)}`)
    const [value, code] = readCursor(options.cursor)
    const rows = await this.#sql.all<CodeRow>(
      `SELECT * FROM invite_codes WHERE (${column}, code) < (?, ?)
       ORDER BY ${column} DESC, code DESC LIMIT ?`,
      [value, code, limit],
    )
    const last = rows.length === limit ? rows.at(-1) : undefined
    return {
      codes: await this.#withUses(rows),
      cursor: last && `${last[column]}::${last.code}`,
    }
  }

  async #withUses(rows: readonly CodeRow[]): Promise<InviteCode[]> {
    const used = rows.filter(({ used_count }) => used_count > 0).map(({ code }) => code)
    const uses = await inChunks([...new Set(used)], (chunk) =>
      this.#sql.all<{ code: string; used_by: Did; used_ms: number }>(
        `SELECT code, used_by, used_ms FROM invite_uses WHERE code IN (${marks(chunk)})
         ORDER BY used_ms DESC`,
        chunk,
      ),
    )
    const byCode = Map.groupBy(uses, ({ code }) => code)
    return rows.map((row) => ({
      code: row.code,
      available: row.available,
      disabled: row.disabled === 1,
      forAccount: row.for_account,
      createdBy: row.created_by,
      createdAt: datetime(row.created_ms),
      uses: (byCode.get(row.code) ?? []).map(({ used_by, used_ms }) => ({
        usedBy: used_by,
        usedAt: datetime(used_ms),
      })),
    }))
  }

  /** Stops codes by name, and all codes that accounts hold. */
  async disable(codes: readonly string[], accounts: readonly string[]): Promise<void> {
    await this.#sql.transaction(async (sql) => {
      await sql.runMany(
        'UPDATE invite_codes SET disabled = 1 WHERE code = ?',
        codes.map((code) => [code]),
      )
      await sql.runMany(
        'UPDATE invite_codes SET disabled = 1 WHERE for_account = ?',
        accounts.map((account) => [account]),
      )
    })
  }
}

const INSERT = `INSERT INTO invite_codes
  (code, available, disabled, for_account, created_by, created_ms) VALUES (?, ?, ?, ?, ?, ?)`

const datetime = (ms: number): Datetime => new Date(ms).toISOString()
const marks = (values: readonly unknown[]) => values.map(() => '?').join(', ')

async function inChunks<T, R>(
  values: readonly T[],
  ask: (chunk: readonly T[]) => Promise<R[]>,
): Promise<R[]> {
  const found: R[] = []
  for (let start = 0; start < values.length; start += PARAMS_MAX) {
    found.push(...(await ask(values.slice(start, start + PARAMS_MAX))))
  }
  return found
}

/** `value::code` of the last row shown. */
function readCursor(cursor: string | undefined): [value: number, code: string] {
  if (cursor === undefined) return [Number.MAX_SAFE_INTEGER, '']
  const [value = '', code = '', ...rest] = cursor.split('::')
  if (!/^\d{1,15}$/.test(value) || !code || rest.length > 0)
    throw invalidRequest('Malformed cursor')
  return [Number(value), code]
}

const invalidCode = (message: string) => new XrpcError(400, 'InvalidInviteCode', message)
