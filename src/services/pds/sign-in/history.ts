import type { Sql } from '#platform/storage'
import type { Did } from '#protocol/syntax'
import type { HttpRequest } from '#protocol/xrpc'
import { coarseAgent } from '../devices/index.ts'

/** Where somebody signed in: at our pages, by an app with the account's password, or with its own. */
export type SignInPlace = 'page' | 'app' | 'app-password'

export interface SignIn {
  atMs: number
  place: SignInPlace
  /** 'password', 'passkey', 'password totp': what was proved, in order. */
  how: string
  outcome: 'ok' | 'refused'
  agent: string
  /** The address without its last part. */
  network: string
}

const KEPT_MAX = 100
const KEPT_MS = 90 * 86_400_000

/** Who signed in to an account, and who nearly did. */
export class SignIns {
  readonly #sql: Sql
  readonly #now: () => number

  constructor({ sql, now }: { sql: Sql; now: () => number }) {
    this.#sql = sql
    this.#now = now
  }

  /** Notes a sign-in, and says whether such an agent has entered before. */
  async note(
    did: Did,
    request: Pick<HttpRequest, 'headers' | 'ip'>,
    signIn: Pick<SignIn, 'place' | 'how' | 'outcome'>,
  ): Promise<{ isFirst: boolean; isNewAgent: boolean }> {
    const agent = coarseAgent(request.headers['user-agent'])
    const { place, how, outcome } = signIn
    return this.#sql.transaction(async (sql) => {
      const known = await sql.all<{ agent: string }>(
        `SELECT DISTINCT agent FROM sign_ins WHERE did = ? AND outcome = 'ok'`,
        [did],
      )
      await sql.run(
        `INSERT INTO sign_ins (did, at_ms, place, how, outcome, agent, network)
         VALUES (?, ?, ?, ?, ?, ?, ?)`,
        [did, this.#now(), place, how, outcome, agent, networkOf(request.ip)],
      )
      await sql.run(
        `DELETE FROM sign_ins WHERE did = ?1 AND id <= coalesce((
           SELECT id FROM sign_ins WHERE did = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2), -1)`,
        [did, KEPT_MAX],
      )
      const isFirst = known.length === 0
      return { isFirst, isNewAgent: !isFirst && known.every((one) => one.agent !== agent) }
    })
  }

  /** Newest first, at most a hundred, of the last 90 days. */
  list(did: Did): Promise<SignIn[]> {
    return this.#sql.all<SignIn>(
      `SELECT at_ms AS "atMs", place, how, outcome, agent, network FROM sign_ins
       WHERE did = ? AND at_ms > ? ORDER BY id DESC LIMIT ?`,
      [did, this.#now() - KEPT_MS, KEPT_MAX],
    )
  }

  async deleteExpired(): Promise<void> {
    await this.#sql.run('DELETE FROM sign_ins WHERE at_ms < ?', [this.#now() - KEPT_MS])
  }
}

/** A network of 256 addresses, or of a subscriber: enough to know one's own by. */
export function networkOf(ip: string): string {
  if (ip.includes('.') && !ip.startsWith('::')) return ip.replace(/\.\d+$/, '.x')
  if (ip.startsWith('::ffff:')) return networkOf(ip.slice('::ffff:'.length))
  return ip === '' ? '' : `${ip.split(':').slice(0, 3).join(':')}::x`
}
