import type { Sql } from '#platform/storage'
import { base32 } from '#protocol/crypto'
import type { Datetime, Did } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'
import type { Account } from '../accounts/index.ts'

/** argon2id, off the event loop; from the runtime. */
export interface PasswordHashing {
  hash(password: string): Promise<string>
  verify(password: string, hash: string): Promise<boolean>
  /** As slow as `verify`, so that an answer's time does not tell who exists. */
  verifyNothing(password: string): Promise<false>
}

export interface PasswordProof {
  /** Set when an app password was given instead of the account's own. */
  appPassword: { name: string; privileged: boolean } | undefined
}

const APP_PASSWORDS_MAX = 50
const APP_PASSWORD = /^[a-z0-9]{4}(-[a-z0-9]{4}){3}$/

/** Passwords of accounts and of their apps. */
export class Passwords {
  readonly #sql: Sql
  readonly #hashing: PasswordHashing
  readonly #now: () => number
  readonly #random: (byteCount: number) => Uint8Array

  constructor(options: {
    sql: Sql
    hashing: PasswordHashing
    now: () => number
    random: (byteCount: number) => Uint8Array
  }) {
    this.#sql = options.sql
    this.#hashing = options.hashing
    this.#now = options.now
    this.#random = options.random
  }

  hash(password: string): Promise<string> {
    return this.#hashing.hash(password)
  }

  /** Undefined when the password fits neither the account nor one of its apps. */
  async check(account: Account | undefined, password: string): Promise<PasswordProof | undefined> {
    if (password.length > 512) return undefined
    if (!account) {
      await this.#hashing.verifyNothing(password)
      return undefined
    }
    if (await this.#hashing.verify(password, account.passwordHash)) {
      return { appPassword: undefined }
    }
    return APP_PASSWORD.test(password) ? this.#checkApp(account.did, password) : undefined
  }

  async #checkApp(did: Did, password: string): Promise<PasswordProof | undefined> {
    const rows = await this.#sql.all<{ name: string; password_hash: string; privileged: number }>(
      'SELECT name, password_hash, privileged FROM app_passwords WHERE did = ?',
      [did],
    )
    for (const { name, password_hash, privileged } of rows) {
      if (await this.#hashing.verify(password, password_hash)) {
        return { appPassword: { name, privileged: privileged === 1 } }
      }
    }
    return undefined
  }

  async createAppPassword(did: Did, name: string, privileged: boolean) {
    const { n } = (await this.#sql.get<{ n: number }>(
      'SELECT count(*) AS n FROM app_passwords WHERE did = ?',
      [did],
    )) ?? { n: 0 }
    if (n >= APP_PASSWORDS_MAX) {
      throw new XrpcError(400, 'InvalidRequest', `At most ${APP_PASSWORDS_MAX} app passwords`)
    }
    const letters = base32(this.#random(10))
    const password = letters.match(/.{4}/g)!.join('-')
    const createdMs = this.#now()
    const { changes } = await this.#sql.run(
      `INSERT INTO app_passwords (did, name, password_hash, privileged, created_ms)
       VALUES (?, ?, ?, ?, ?) ON CONFLICT (did, name) DO NOTHING`,
      [did, name, await this.#hashing.hash(password), privileged ? 1 : 0, createdMs],
    )
    if (changes === 0) throw new XrpcError(400, 'InvalidRequest', `Name in use: ${name}`)
    return { name, password, privileged, createdAt: datetime(createdMs) }
  }

  async listAppPasswords(did: Did) {
    const rows = await this.#sql.all<{ name: string; privileged: number; created_ms: number }>(
      'SELECT name, privileged, created_ms FROM app_passwords WHERE did = ? ORDER BY created_ms',
      [did],
    )
    return rows.map(({ name, privileged, created_ms }) => ({
      name,
      privileged: privileged === 1,
      createdAt: datetime(created_ms),
    }))
  }

  async deleteAppPassword(did: Did, name: string): Promise<void> {
    await this.#sql.run('DELETE FROM app_passwords WHERE did = ? AND name = ?', [did, name])
  }
}

const datetime = (ms: number): Datetime => new Date(ms).toISOString()
