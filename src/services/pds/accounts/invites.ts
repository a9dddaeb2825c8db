import type { Sql } from '#platform/storage'
import { base32 } from '#protocol/crypto'
import { XrpcError } from '#protocol/xrpc'

/** Invite codes: each good for a number of sign-ups. */
export class Invites {
  readonly #sql: Sql
  readonly #required: boolean
  readonly #now: () => number
  readonly #random: (byteCount: number) => Uint8Array

  constructor(options: {
    sql: Sql
    required: boolean
    now: () => number
    random: (byteCount: number) => Uint8Array
  }) {
    this.#sql = options.sql
    this.#required = options.required
    this.#now = options.now
    this.#random = options.random
  }

  async create(useCount: number): Promise<string> {
    const letters = base32(this.#random(7)).slice(0, 10)
    const code = `falaj-${letters.slice(0, 5)}-${letters.slice(5)}`
    await this.#sql.run('INSERT INTO invite_codes (code, uses_left, created_ms) VALUES (?, ?, ?)', [
      code,
      useCount,
      this.#now(),
    ])
    return code
  }

  /** Uses up one sign-up of the code, where codes are required. Throws InvalidInviteCode. */
  async use(code: string | undefined): Promise<void> {
    if (!this.#required) return
    const { changes } = await this.#sql.run(
      'UPDATE invite_codes SET uses_left = uses_left - 1 WHERE code = ? AND uses_left > 0',
      [code ?? ''],
    )
    if (changes === 0) {
      throw new XrpcError(400, 'InvalidInviteCode', 'Provided invite code not available')
    }
  }
}
