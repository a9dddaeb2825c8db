import type { Sealer } from '#platform/runtime'
import type { Sql } from '#platform/storage'
import { generateKey, importKey, type SigningKey } from '#protocol/crypto'
import type { Did } from '#protocol/syntax'

const RESERVED_MAX = 10_000

/** Signing keys made before their accounts: an identity can name the key before the move. */
export class ReservedKeys {
  readonly #sql: Sql
  readonly #sealer: Sealer
  readonly #now: () => number
  readonly #random: (byteCount: number) => Uint8Array

  constructor(options: {
    sql: Sql
    sealer: Sealer
    now: () => number
    random: (byteCount: number) => Uint8Array
  }) {
    this.#sql = options.sql
    this.#sealer = options.sealer
    this.#now = options.now
    this.#random = options.random
  }

  /** The did:key of the key reserved for this DID; the same one when asked again. */
  async reserve(did: Did | undefined): Promise<string> {
    const known = did && (await this.#didKey(did))
    if (known) return known
    const key = generateKey('k256', this.#random)
    const { didKey } = key.publicKey
    const { changes } = await this.#sql.run(
      `INSERT INTO reserved_keys (did_key, did, signing_key, created_ms) VALUES (?, ?, ?, ?)
       ON CONFLICT (did) DO NOTHING`,
      [didKey, did ?? null, this.#sealer.seal(key.export(), `reserved ${didKey}`), this.#now()],
    )
    // Somebody else reserved one for the same DID meanwhile.
    if (changes === 0 && did) return (await this.#didKey(did)) ?? didKey
    // The oldest give way: anybody may ask for a key.
    await this.#sql.run(
      `DELETE FROM reserved_keys WHERE did_key IN (
         SELECT did_key FROM reserved_keys ORDER BY created_ms DESC LIMIT -1 OFFSET ?)`,
      [RESERVED_MAX],
    )
    return didKey
  }

  async #didKey(did: Did): Promise<string | undefined> {
    const row = await this.#sql.get<{ did_key: string }>(
      'SELECT did_key FROM reserved_keys WHERE did = ?',
      [did],
    )
    return row?.did_key
  }

  /**
   * The key reserved for an account that is being made, or one reserved for nobody that its identity
   * (`named`, a did:key) names; it stays reserved until `drop`.
   */
  async reserved(did: Did, named?: string): Promise<SigningKey | undefined> {
    const row = await this.#sql.get<{ did_key: string; signing_key: Uint8Array }>(
      `SELECT did_key, signing_key FROM reserved_keys
       WHERE did = ?1 OR (did IS NULL AND did_key = ?2) ORDER BY did IS NULL LIMIT 1`,
      [did, named ?? null],
    )
    return row && importKey('k256', this.#sealer.open(row.signing_key, `reserved ${row.did_key}`))
  }

  /** A key that is kept here for this account, or for nobody in particular. */
  async held(did: Did, didKey: string): Promise<SigningKey | undefined> {
    const row = await this.#sql.get<{ signing_key: Uint8Array }>(
      'SELECT signing_key FROM reserved_keys WHERE did_key = ? AND (did IS NULL OR did = ?)',
      [didKey, did],
    )
    return row && importKey('k256', this.#sealer.open(row.signing_key, `reserved ${didKey}`))
  }

  /** The account has its key. */
  async drop(did: Did, key: SigningKey): Promise<void> {
    await this.#sql.run('DELETE FROM reserved_keys WHERE did = ? OR did_key = ?', [
      did,
      key.publicKey.didKey,
    ])
  }
}
