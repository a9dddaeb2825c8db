import type { Sql } from '#platform/storage'
import { base32, hex, sha256 } from '#protocol/crypto'
import type { Datetime, Did } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'
import type { Account } from '../accounts/index.ts'
import type { AppPurpose } from './purposes.ts'

/** argon2id, off the event loop; from the runtime. */
export interface PasswordHashing {
  hash(password: string): Promise<string>
  verify(password: string, hash: string): Promise<boolean>
  /** As slow as `verify`, so that an answer's time does not tell who exists. */
  verifyNothing(password: string): Promise<false>
  /** Whether a hash came from another host, in a form that asks for less work than ours. */
  isForeign(hash: string): boolean
  /** What another host's hash of a password is made of. */
  deriveForeign(password: string, salt: string): Promise<Uint8Array>
}

export interface PasswordProof {
  /** Set when an app password was given instead of the account's own. */
  appPassword: AppPassword | undefined
}

/** The password of one app. */
export interface AppPassword {
  name: string
  /** It opens private messages as well. */
  privileged: boolean
  /** What it is for, where that is less than everything. */
  purpose?: AppPurpose | undefined
}

const PASSWORD_LENGTH_MAX = 512
const APP_PASSWORDS_MAX = 50
/** `used` is not written more often than this. */
const USED_MS = 3_600_000
const APP_PASSWORD = /^[a-z0-9]{4}(-[a-z0-9]{4}){3}$/

/** Hashes of app passwords that came from another host are longer than ours; their salt is told by the DID. */
const FOREIGN_HASH_BYTES = 64
const FOREIGN_SALT_BYTES = 16

interface AppPasswordRow {
  name: string
  privileged: number
  purpose: AppPurpose | null
  created_ms: number
  used_ms: number | null
}

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

  /** The hash of a password that nobody knows. */
  unknown(): Promise<string> {
    return this.#hashing.hash(base32(this.#random(20)))
  }

  /** Undefined when the password fits neither the account nor one of its apps. */
  async check(account: Account | undefined, password: string): Promise<PasswordProof | undefined> {
    if (password.length > PASSWORD_LENGTH_MAX) return undefined
    if (!account) {
      await this.#hashing.verifyNothing(password)
      return undefined
    }
    const appPassword = await this.#appPassword(account.did, password)
    if (appPassword) return { appPassword }
    const { passwordHash } = account
    const isOwn = await this.#hashing.verify(password, passwordHash)
    if (isOwn && this.#hashing.isForeign(passwordHash)) await this.#hashAgain(account, password)
    return isOwn ? { appPassword: undefined } : undefined
  }

  /** An adopted account's password, known at last: hashed as ours are, unless it was changed meanwhile. */
  async #hashAgain(account: Account, password: string): Promise<void> {
    const { did, passwordHash: foreign } = account
    const own = await this.#hashing.hash(password)
    const { changes } = await this.#sql.run(
      'UPDATE accounts SET password_hash = ? WHERE did = ? AND password_hash = ?',
      [own, did, foreign],
    )
    if (changes > 0 && account.passwordHash === foreign) account.passwordHash = own
  }

  async #appPassword(did: Did, password: string) {
    if (!APP_PASSWORD.test(password)) return undefined
    const own = appPasswordHash(did, password)
    const row =
      (await this.#appPasswordRow(did, own)) ?? (await this.#foreignAppPassword(did, password, own))
    return (
      row && { name: row.name, privileged: row.privileged === 1, purpose: row.purpose ?? undefined }
    )
  }

  #appPasswordRow(did: Did, hash: Uint8Array) {
    return this.#sql.get<Pick<AppPasswordRow, 'name' | 'privileged' | 'purpose'>>(
      'SELECT name, privileged, purpose FROM app_passwords WHERE did = ? AND password_hash = ?',
      [did, hash],
    )
  }

  /** One that came with an adopted account; hashed as ours are from its first use on. */
  async #foreignAppPassword(did: Did, password: string, own: Uint8Array) {
    const known = 'SELECT 1 FROM app_passwords WHERE did = ? AND length(password_hash) = ?'
    if (!(await this.#sql.get(known, [did, FOREIGN_HASH_BYTES]))) return undefined
    const salt = hex(sha256(new TextEncoder().encode(did)).subarray(0, FOREIGN_SALT_BYTES))
    const foreign = await this.#hashing.deriveForeign(password, salt)
    await this.#sql.run(
      'UPDATE app_passwords SET password_hash = ? WHERE did = ? AND password_hash = ?',
      [own, did, foreign],
    )
    return this.#appPasswordRow(did, own)
  }

  /** `purpose` narrows it; one with a purpose is never privileged. */
  async createAppPassword(did: Did, name: string, privileged: boolean, purpose?: AppPurpose) {
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
      `INSERT INTO app_passwords (did, name, password_hash, privileged, purpose, created_ms)
       VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (did, name) DO NOTHING`,
      [
        ...[did, name, appPasswordHash(did, password)],
        ...[privileged && !purpose ? 1 : 0, purpose ?? null, createdMs],
      ],
    )
    if (changes === 0) throw new XrpcError(400, 'InvalidRequest', `Name in use: ${name}`)
    return { name, password, privileged, createdAt: datetime(createdMs) }
  }

  async listAppPasswords(did: Did) {
    const all = await this.appPasswords(did)
    return all.map(({ name, privileged, createdMs }) => ({
      name,
      privileged,
      createdAt: datetime(createdMs),
    }))
  }

  /** As the owner sees them: with when each was used last. */
  async appPasswords(did: Did) {
    const rows = await this.#sql.all<AppPasswordRow>(
      `SELECT name, privileged, purpose, created_ms, used_ms FROM app_passwords
       WHERE did = ? ORDER BY created_ms`,
      [did],
    )
    return rows.map(({ name, privileged, purpose, created_ms, used_ms }) => ({
      name,
      purpose: purpose ?? undefined,
      privileged: privileged === 1,
      createdMs: created_ms,
      usedMs: used_ms ?? undefined,
    }))
  }

  /** Notes that an app password was used, once an hour at most. */
  async noteUse(did: Did, name: string): Promise<void> {
    const nowMs = this.#now()
    const row = await this.#sql.get<{ used_ms: number | null }>(
      'SELECT used_ms FROM app_passwords WHERE did = ? AND name = ?',
      [did, name],
    )
    if (row?.used_ms && nowMs - row.used_ms < USED_MS) return
    await this.#sql.run('UPDATE app_passwords SET used_ms = ? WHERE did = ? AND name = ?', [
      nowMs,
      did,
      name,
    ])
  }

  async deleteAppPassword(did: Did, name: string): Promise<void> {
    await this.#sql.run('DELETE FROM app_passwords WHERE did = ? AND name = ?', [did, name])
  }

  async deleteAppPasswords(did: Did): Promise<void> {
    await this.#sql.run('DELETE FROM app_passwords WHERE did = ?', [did])
  }
}

/** 80 random bits need no slow hash: nobody guesses them, and signing in stays cheap. */
const appPasswordHash = (did: Did, password: string): Uint8Array =>
  sha256(new TextEncoder().encode(`app password of ${did}: ${password}`))

const datetime = (ms: number): Datetime => new Date(ms).toISOString()
