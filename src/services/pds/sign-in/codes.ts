import type { Sql } from '#platform/storage'
import { base32, constantTimeEqual } from '#protocol/crypto'
import type { Did } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'
import { codeHash } from './sessions.ts'

/** What a code allows, once. */
export type CodePurpose = 'plc-operation' | 'delete-account' | 'confirm-email' | 'reset-password'

const LIFETIME_MS = 15 * 60 * 1000
/** Wrong guesses before a code is void: 50 bits of code stay out of reach. */
const ATTEMPTS_MAX = 10

/** One-time codes, sent by mail or handed out after the password was given again. */
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

  /** A fresh code such as `ABCDE-FGHIJ`; the one before for the same purpose is void. */
  async create(did: Did, purpose: CodePurpose): Promise<string> {
    const letters = base32(this.#random(7)).slice(0, 10).toUpperCase()
    const code = `${letters.slice(0, 5)}-${letters.slice(5)}`
    await this.#sql.run(
      `INSERT OR REPLACE INTO codes (did, purpose, code_hash, expires_ms) VALUES (?, ?, ?, ?)`,
      [did, purpose, codeHash(code), this.#now() + LIFETIME_MS],
    )
    return code
  }

  /** Uses up a code. Throws InvalidToken, ExpiredToken. */
  async use(did: Did, purpose: CodePurpose, code: string): Promise<void> {
    const row = await this.#sql.get<{
      code_hash: Uint8Array
      expires_ms: number
      attempts: number
    }>('SELECT code_hash, expires_ms, attempts FROM codes WHERE did = ? AND purpose = ?', [
      did,
      purpose,
    ])
    if (!row || row.attempts >= ATTEMPTS_MAX) {
      throw new XrpcError(400, 'InvalidToken', 'Token is invalid')
    }
    if (!constantTimeEqual(row.code_hash, codeHash(code))) {
      await this.#sql.run(
        'UPDATE codes SET attempts = attempts + 1 WHERE did = ? AND purpose = ?',
        [did, purpose],
      )
      throw new XrpcError(400, 'InvalidToken', 'Token is invalid')
    }
    if (row.expires_ms <= this.#now()) throw new XrpcError(400, 'ExpiredToken', 'Token is expired')
    const { changes } = await this.#sql.run(
      'DELETE FROM codes WHERE did = ? AND purpose = ? AND code_hash = ?',
      [did, purpose, row.code_hash],
    )
    if (changes === 0) throw new XrpcError(400, 'InvalidToken', 'Token is invalid')
  }
}
