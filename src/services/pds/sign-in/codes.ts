import type { Sql } from '#platform/storage'
import { base32, constantTimeEqual } from '#protocol/crypto'
import type { Did } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'
import { codeHash } from './sessions.ts'

/** What a code allows, once. */
export type CodePurpose =
  | 'plc-operation'
  | 'delete-account'
  | 'confirm-email'
  | 'update-email'
  | 'reset-password'
  | 'sign-in'

const LIFETIME_MS = 15 * 60 * 1000
/** Wrong guesses before a code is void: 50 bits of code stay out of reach. */
const ATTEMPTS_MAX = 10
/** Codes of one purpose within an hour: nobody's mailbox is filled from here. */
const PER_HOUR_MAX = 5
const HOUR_MS = 60 * 60 * 1000

interface CodeRow {
  did: Did
  code_hash: Uint8Array
  expires_ms: number
  attempts: number
}

/** One-time codes, sent by mail. Kept hashed: a copy of the database opens no account. */
export class Codes {
  readonly #sql: Sql
  readonly #now: () => number
  readonly #random: (byteCount: number) => Uint8Array

  constructor(options: {
    sql: Sql
    now: () => number
    random: (byteCount: number) => Uint8Array
  }) {
    this.#sql = options.sql
    this.#now = options.now
    this.#random = options.random
  }

  /**
   * A fresh code such as `ABCDE-FGHIJ`, good for a quarter of an hour; the one before for the same
   * purpose is void. Throws RateLimitExceeded (429) above `perHour`, 5 by default.
   */
  async create(
    did: Did,
    purpose: CodePurpose,
    { perHour = PER_HOUR_MAX } = {},
  ): Promise<{ code: string; expiresMs: number }> {
    const letters = base32(this.#random(7)).slice(0, 10).toUpperCase()
    const code = `${letters.slice(0, 5)}-${letters.slice(5)}`
    const nowMs = this.#now()
    const expiresMs = nowMs + LIFETIME_MS
    const { changes } = await this.#sql.run(
      `INSERT INTO codes (did, purpose, code_hash, expires_ms, sent_since_ms, sent_count)
       VALUES (?1, ?2, ?3, ?4, ?5, 1)
       ON CONFLICT (did, purpose) DO UPDATE SET code_hash = ?3, expires_ms = ?4, attempts = 0,
         sent_count = CASE WHEN sent_since_ms < ?6 THEN 1 ELSE sent_count + 1 END,
         sent_since_ms = CASE WHEN sent_since_ms < ?6 THEN ?5 ELSE sent_since_ms END
       WHERE sent_since_ms < ?6 OR sent_count < ?7`,
      [did, purpose, codeHash(code), expiresMs, nowMs, nowMs - HOUR_MS, perHour],
    )
    if (changes > 0) return { code, expiresMs }
    const since = await this.#sql.get<{ ms: number }>(
      'SELECT sent_since_ms AS ms FROM codes WHERE did = ? AND purpose = ?',
      [did, purpose],
    )
    const waitS = Math.ceil(((since?.ms ?? nowMs) + HOUR_MS - nowMs) / 1000)
    throw new XrpcError(429, 'RateLimitExceeded', 'Too many codes within an hour', {
      headers: { 'retry-after': String(Math.max(1, waitS)) },
    })
  }

  /** Uses up a code. Throws InvalidToken, ExpiredToken. */
  async use(did: Did, purpose: CodePurpose, code: string): Promise<void> {
    const row = await this.#sql.get<CodeRow>(
      'SELECT did, code_hash, expires_ms, attempts FROM codes WHERE did = ? AND purpose = ?',
      [did, purpose],
    )
    if (!row || row.attempts >= ATTEMPTS_MAX) throw invalidToken()
    if (!constantTimeEqual(row.code_hash, codeHash(code))) {
      await this.#sql.run(
        'UPDATE codes SET attempts = attempts + 1 WHERE did = ? AND purpose = ?',
        [did, purpose],
      )
      throw invalidToken()
    }
    await this.#useUp(row, purpose)
  }

  /** Uses up a code that somebody brings without saying who they are: the DID it was made for. */
  async useWhoever(purpose: CodePurpose, code: string): Promise<Did> {
    const row = await this.#sql.get<CodeRow>(
      'SELECT did, code_hash, expires_ms, attempts FROM codes WHERE code_hash = ? AND purpose = ?',
      [codeHash(code), purpose],
    )
    if (!row || row.attempts >= ATTEMPTS_MAX) throw invalidToken()
    await this.#useUp(row, purpose)
    return row.did
  }

  async #useUp({ did, code_hash, expires_ms }: CodeRow, purpose: CodePurpose): Promise<void> {
    if (expires_ms <= this.#now()) throw new XrpcError(400, 'ExpiredToken', 'Token is expired')
    // The row stays to count letters; a hash that nothing has makes it useless.
    const { changes } = await this.#sql.run(
      `UPDATE codes SET code_hash = x'', expires_ms = 0
       WHERE did = ? AND purpose = ? AND code_hash = ?`,
      [did, purpose, code_hash],
    )
    if (changes === 0) throw invalidToken()
  }
}

const invalidToken = () => new XrpcError(400, 'InvalidToken', 'Token is invalid')
