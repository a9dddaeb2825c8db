import type { Sql } from '#platform/storage'
import type { OperatorRole, OperatorView } from '#protocol/account'
import { base32, constantTimeEqual, sha256 } from '#protocol/crypto'
import { invalidRequest, XrpcError } from '#protocol/xrpc'

/** Who operates: a name of the table, `admin` by the host's own password, or a moderation service. */
export interface Operator {
  name: string
  role: OperatorRole
}

interface OperatorRow {
  name: string
  role: OperatorRole
  secret_hash: Uint8Array
  created_ms: number
  created_by: string
  revoked_ms: number | null
  last_seen_ms: number | null
}

/** The operator of the configured password. */
export const ADMIN: Operator = { name: 'admin', role: 'admin' }

const NAME = /^[a-z][a-z0-9._-]{1,31}$/
const OPERATORS_MAX = 1_000
const SECRET_LENGTH_MAX = 128
/** `lastSeen` is not written more often than this. */
const SEEN_MS = 60_000

/** People with a name, a role and a secret of their own. */
export class Operators {
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

  /** Makes an operator and their secret, which is kept only as a hash. Throws OperatorExists. */
  async add(
    name: string,
    role: OperatorRole,
    by: string,
  ): Promise<{ name: string; role: OperatorRole; secret: string }> {
    if (!NAME.test(name) || name === ADMIN.name) {
      throw invalidRequest('A name is 2 to 32 of a-z, 0-9, dot, dash, underscore, and not admin')
    }
    const secret = base32(this.#random(20))
    const { changes } = await this.#sql.run(
      `INSERT INTO operators (name, role, secret_hash, created_ms, created_by)
       SELECT ?, ?, ?, ?, ? WHERE (SELECT count(*) FROM operators) < ?
       ON CONFLICT (name) DO NOTHING`,
      [name, role, secretHash(name, secret), this.#now(), by, OPERATORS_MAX],
    )
    if (changes > 0) return { name, role, secret }
    if (await this.#row(name)) throw new XrpcError(400, 'OperatorExists', `Name in use: ${name}`)
    throw invalidRequest(`At most ${OPERATORS_MAX} operators, revoked ones too`)
  }

  #row(name: string): Promise<OperatorRow | undefined> {
    return this.#sql.get<OperatorRow>('SELECT * FROM operators WHERE name = ?', [name])
  }

  /** The operator of a name and a secret; undefined when they do not fit or are revoked. */
  async check(name: string, secret: string): Promise<Operator | undefined> {
    if (!NAME.test(name) || secret.length > SECRET_LENGTH_MAX) return undefined
    const row = await this.#row(name)
    const isRight = constantTimeEqual(row?.secret_hash ?? NO_HASH, secretHash(name, secret))
    if (!row || !isRight || row.revoked_ms !== null) return undefined
    await this.#seen(row)
    return { name, role: row.role }
  }

  /** Whether somebody of this name operates the host now. */
  async isNamed(name: string): Promise<boolean> {
    const row = NAME.test(name) ? await this.#row(name) : undefined
    return row !== undefined && row.revoked_ms === null
  }

  async #seen({ name, last_seen_ms }: OperatorRow): Promise<void> {
    const nowMs = this.#now()
    if (last_seen_ms !== null && nowMs - last_seen_ms < SEEN_MS) return
    await this.#sql.run('UPDATE operators SET last_seen_ms = ? WHERE name = ?', [nowMs, name])
  }

  /** Puts a secret out of force. Throws OperatorNotFound. */
  async revoke(name: string): Promise<void> {
    const { changes } = await this.#sql.run(
      'UPDATE operators SET revoked_ms = ? WHERE name = ? AND revoked_ms IS NULL',
      [this.#now(), name],
    )
    if (changes === 0) throw new XrpcError(400, 'OperatorNotFound', `No such operator: ${name}`)
  }

  /** By name, revoked ones too. */
  async list(): Promise<OperatorView[]> {
    const rows = await this.#sql.all<OperatorRow>('SELECT * FROM operators ORDER BY name')
    return rows.map((row) => ({
      name: row.name,
      role: row.role,
      createdAt: datetime(row.created_ms),
      createdBy: row.created_by,
      ...(row.revoked_ms !== null && { revokedAt: datetime(row.revoked_ms) }),
      ...(row.last_seen_ms !== null && { lastSeenAt: datetime(row.last_seen_ms) }),
    }))
  }
}

const NO_HASH = new Uint8Array(32)

const secretHash = (name: string, secret: string): Uint8Array =>
  sha256(new TextEncoder().encode(`secret of operator ${name}: ${secret}`))

const datetime = (ms: number): string => new Date(ms).toISOString()
