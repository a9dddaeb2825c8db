import type { Sql } from '#platform/storage'
import { base32, sha256 } from '#protocol/crypto'
import type { Did } from '#protocol/syntax'
import { invalidRequest, XrpcError } from '#protocol/xrpc'
import { type Account, accountSealer } from '../accounts/index.ts'
import type { Codes } from '../sign-in/index.ts'
import { FactorGuesses } from './guesses.ts'
import { acceptTotp } from './totp.ts'

export type FactorKind = 'totp' | 'passkey' | 'email'

/** One of the ways an owner proves who they are, beside the password. */
export interface Factor {
  id: string
  kind: FactorKind
  name: string
  createdMs: number
  usedMs: number | undefined
}

/** What is asked for after a password. */
export interface Asked {
  kinds: ReadonlySet<FactorKind>
  /** The host asks for one and the owner has set up none: codes by mail stand in for it. */
  isStandIn: boolean
  /** The host asks for one, and there is none, nor an address for codes: it has to be set up first. */
  isMissing: boolean
}

export interface PasskeyRow {
  id: string
  did: Did
  credentialId: string
  publicKey: Uint8Array
  counter: number
  transports: string[]
}

/** Whom the host asks for a second factor. */
export type FactorPolicy = 'encouraged' | 'operators' | 'everybody'

interface FactorRow {
  id: string
  did: Did
  kind: FactorKind
  name: string
  secret: Uint8Array | null
  credential_id: string | null
  counter: number
  transports: string | null
  created_ms: number
  used_ms: number | null
}

const PASSKEYS_MAX = 20
const RECOVERY_CODES = 10
const NAME_MAX = 60
const TOTP_CODE = /^\d{6}$/
const RECOVERY_CODE = /^[a-z2-7]{16}$/
const MAILED_CODE = /^[a-z2-7]{10}$/

/** Second factors of accounts, in the directory database. */
export class Factors {
  readonly #sql: Sql
  readonly #codes: Codes
  readonly #policy: FactorPolicy
  readonly #isOperator: (account: Account) => Promise<boolean>
  readonly #now: () => number
  readonly #random: (byteCount: number) => Uint8Array
  readonly #guesses: FactorGuesses

  constructor(options: {
    sql: Sql
    codes: Codes
    policy: FactorPolicy
    /** Whether an account is one of the host's operators. */
    isOperator: (account: Account) => Promise<boolean>
    now: () => number
    random: (byteCount: number) => Uint8Array
  }) {
    this.#sql = options.sql
    this.#codes = options.codes
    this.#policy = options.policy
    this.#isOperator = options.isOperator
    this.#now = options.now
    this.#random = options.random
    this.#guesses = new FactorGuesses(options)
  }

  /** All of an account's, oldest first. */
  async list(did: Did): Promise<Factor[]> {
    const rows = await this.#sql.all<FactorRow>(
      'SELECT * FROM factors WHERE did = ? ORDER BY created_ms, id',
      [did],
    )
    return rows.map(({ id, kind, name, created_ms, used_ms }) => ({
      ...{ id, kind, name, createdMs: created_ms },
      usedMs: used_ms ?? undefined,
    }))
  }

  /** Whether the host asks this account for a second factor. */
  async isRequired(account: Account): Promise<boolean> {
    if (this.#policy === 'encouraged') return false
    return this.#policy === 'everybody' || (await this.#isOperator(account))
  }

  /** Whether nothing is open to the account but to set up a factor: the host asks for one, and there is none. */
  async isHeld(account: Account): Promise<boolean> {
    return (await this.asked(account)).isMissing
  }

  /** What has to follow the account's password. */
  async asked(account: Account): Promise<Asked> {
    const rows = await this.#sql.all<{ kind: FactorKind }>(
      'SELECT DISTINCT kind FROM factors WHERE did = ?',
      [account.did],
    )
    const kinds = new Set(rows.map(({ kind }) => kind))
    if (kinds.size > 0 || !(await this.isRequired(account))) {
      return { kinds, isStandIn: false, isMissing: false }
    }
    const hasMail = account.email !== undefined
    return { kinds: new Set(hasMail ? ['email'] : []), isStandIn: hasMail, isMissing: !hasMail }
  }

  /**
   * A code from an app, from a letter, or of those kept for bad days: which it was, used up.
   * Undefined when it is none of them. Throws RateLimitExceeded (429) for who guesses.
   */
  async check(
    account: Account,
    text: string,
  ): Promise<{ kind: 'totp' | 'email' | 'recovery' } | { kind: undefined; tell: boolean }> {
    const { did } = account
    const tell = await this.#guesses.take(did)
    const code = text.replaceAll(/[\s-]/g, '').toLowerCase()
    const kind = await this.#kindOf(account, code)
    if (kind === undefined) return { kind, tell }
    await this.#guesses.forget(did)
    return { kind }
  }

  async #kindOf(account: Account, code: string) {
    if (TOTP_CODE.test(code)) return (await this.#acceptTotp(account, code)) ? 'totp' : undefined
    if (RECOVERY_CODE.test(code)) {
      const { changes } = await this.#sql.run(
        'DELETE FROM recovery_codes WHERE did = ? AND code_hash = ?',
        [account.did, recoveryHash(account.did, code)],
      )
      return changes > 0 ? 'recovery' : undefined
    }
    if (!MAILED_CODE.test(code) || !(await this.asked(account)).kinds.has('email')) return undefined
    const mailed = `${code.slice(0, 5)}-${code.slice(5)}`
    const isGood = await this.#codes.use(account.did, 'sign-in', mailed).then(() => true, noCode)
    return isGood ? 'email' : undefined
  }

  async #acceptTotp(account: Account, code: string): Promise<boolean> {
    const { did } = account
    const row = await this.#sql.get<FactorRow>(
      `SELECT * FROM factors WHERE did = ? AND kind = 'totp'`,
      [did],
    )
    if (!row?.secret) return false
    const secret = accountSealer(account).open(row.secret, 'totp')
    const nowMs = this.#now()
    const step = await acceptTotp(secret, code, { nowMs, after: row.counter })
    if (step === undefined) return false
    // Of two that bring the same code at once, one is let in.
    const { changes } = await this.#sql.run(
      'UPDATE factors SET counter = ?1, used_ms = ?2 WHERE id = ?3 AND counter < ?1',
      [step, nowMs, row.id],
    )
    return changes > 0
  }

  /** A passkey was used. False when another use of it has overtaken this one. */
  async usePasskey({ id, counter }: PasskeyRow, newCounter: number): Promise<boolean> {
    const { changes } = await this.#sql.run(
      'UPDATE factors SET counter = ?, used_ms = ? WHERE id = ? AND counter = ?',
      [newCounter, this.#now(), id, counter],
    )
    return changes > 0
  }

  async passkey(credentialId: string): Promise<PasskeyRow | undefined> {
    const row = await this.#sql.get<FactorRow>('SELECT * FROM factors WHERE credential_id = ?', [
      credentialId,
    ])
    return row && passkeyOf(row)
  }

  async passkeys(did: Did): Promise<PasskeyRow[]> {
    const rows = await this.#sql.all<FactorRow>(
      `SELECT * FROM factors WHERE did = ? AND kind = 'passkey' ORDER BY created_ms`,
      [did],
    )
    return rows.map(passkeyOf)
  }

  /** An app's secret, once its first code showed that the app has it; in place of the one before. */
  async addTotp(account: Account, secret: Uint8Array, code: string): Promise<boolean> {
    const { did } = account
    await this.#guesses.take(did)
    const clean = code.replaceAll(/\s/g, '')
    const nowMs = this.#now()
    const step = await acceptTotp(secret, clean, { nowMs, after: 0 })
    if (step === undefined) return false
    await this.#guesses.forget(did)
    const sealed = accountSealer(account).seal(secret, 'totp')
    await this.#sql.transaction(async (sql) => {
      await sql.run(`DELETE FROM factors WHERE did = ? AND kind = 'totp'`, [did])
      await sql.run(
        `INSERT INTO factors (id, did, kind, name, secret, counter, created_ms)
         VALUES (?, ?, 'totp', '', ?, ?, ?)`,
        [this.#newId(), did, sealed, step, nowMs],
      )
    })
    return true
  }

  /** Throws InvalidRequest above 20 passkeys, or for one that is known already. */
  async addPasskey(
    did: Did,
    key: { credentialId: string; publicKey: Uint8Array; counter: number; transports: string[] },
    name: string,
  ): Promise<void> {
    const { changes } = await this.#sql.run(
      `INSERT INTO factors
         (id, did, kind, name, secret, credential_id, counter, transports, created_ms)
       SELECT ?, ?, 'passkey', ?, ?, ?, ?, ?, ?
       WHERE (SELECT count(*) FROM factors WHERE did = ?) < ?
       ON CONFLICT (credential_id) DO NOTHING`,
      [
        ...[this.#newId(), did, name.slice(0, NAME_MAX), key.publicKey, key.credentialId],
        ...[key.counter, JSON.stringify(key.transports), this.#now(), did, PASSKEYS_MAX],
      ],
    )
    if (changes === 0) throw invalidRequest('This passkey is known, or there are too many')
  }

  /** Codes by mail from now on. Throws InvalidRequest for an address that was not confirmed. */
  async addEmail({ did, emailConfirmedMs }: Account): Promise<void> {
    if (emailConfirmedMs === undefined) throw invalidRequest('The address is not confirmed')
    await this.#sql.run(
      `INSERT INTO factors (id, did, kind, name, created_ms) SELECT ?1, ?2, 'email', '', ?3
       WHERE NOT EXISTS (SELECT 1 FROM factors WHERE did = ?2 AND kind = 'email')`,
      [this.#newId(), did, this.#now()],
    )
  }

  #newId(): string {
    return base32(this.#random(10))
  }

  /** Takes a factor away; with the last one go the recovery codes. */
  async remove(did: Did, id: string): Promise<boolean> {
    return this.#sql.transaction(async (sql) => {
      const { changes } = await sql.run('DELETE FROM factors WHERE did = ? AND id = ?', [did, id])
      await sql.run(
        `DELETE FROM recovery_codes WHERE did = ?1
           AND NOT EXISTS (SELECT 1 FROM factors WHERE did = ?1)`,
        [did],
      )
      return changes > 0
    })
  }

  /** Takes away everything but the password. */
  async removeAll(did: Did): Promise<void> {
    await this.#sql.transaction(async (sql) => {
      for (const table of ['factors', 'recovery_codes', 'factor_guesses']) {
        await sql.run(`DELETE FROM ${table} WHERE did = ?`, [did])
      }
    })
  }

  /** Ten codes for bad days, each good once, in place of all before. They are shown only here. */
  async makeRecoveryCodes(did: Did): Promise<string[]> {
    const codes = Array.from({ length: RECOVERY_CODES }, () => base32(this.#random(10)))
    await this.#sql.transaction(async (sql) => {
      await sql.run('DELETE FROM recovery_codes WHERE did = ?', [did])
      for (const code of codes) {
        const hash = recoveryHash(did, code)
        await sql.run('INSERT INTO recovery_codes (did, code_hash) VALUES (?, ?)', [did, hash])
      }
    })
    return codes.map((code) => code.match(/.{4}/g)!.join('-'))
  }

  async recoveryCodesLeft(did: Did): Promise<number> {
    const row = await this.#sql.get<{ n: number }>(
      'SELECT count(*) AS n FROM recovery_codes WHERE did = ?',
      [did],
    )
    return row?.n ?? 0
  }
}

const noCode = (error: unknown): false => {
  if (error instanceof XrpcError && error.status === 400) return false
  throw error
}

const recoveryHash = (did: Did, code: string): Uint8Array =>
  sha256(new TextEncoder().encode(`recovery code of ${did}: ${code}`))

const passkeyOf = (row: FactorRow): PasskeyRow => ({
  id: row.id,
  did: row.did,
  credentialId: row.credential_id!,
  publicKey: row.secret!,
  counter: row.counter,
  transports: JSON.parse(row.transports ?? '[]'),
})
