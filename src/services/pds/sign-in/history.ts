import type { Timers } from '#platform/runtime'
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
  /** 'refused': the password was right, and the code was not. */
  outcome: 'ok' | 'refused' | 'wrong-password'
  agent: string
  /** The address without its last part. */
  network: string
  /** Tries in a row that are told as one, the last of them at that time. */
  count: number
}

/** A try as it is noted. */
type Noted = Omit<SignIn, 'count'> & { did: Did }

const KEPT_MAX = 100
/** Of tries that failed: they never push out who really came in. */
const FAILED_MAX = 50
/** Failed tries alike within this are told as one. */
const ROW_MS = 3_600_000
/** Wrong passwords wait this long, and so many of them, to be written together. */
const WAIT_MS = 2_000
const WAITING_MAX = 10_000
const KEPT_MS = 90 * 86_400_000

/** Who signed in to an account, and who nearly did. */
export class SignIns {
  readonly #sql: Sql
  readonly #now: () => number
  readonly #wrong = new Map<string, Noted & { count: number }>()
  #wake = () => {}

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
    const noted = {
      did,
      atMs: this.#now(),
      place,
      how,
      outcome,
      agent,
      network: networkOf(request.ip),
    }
    return this.#sql.transaction(async (sql) => {
      const known = await sql.all<{ agent: string }>(
        `SELECT DISTINCT agent FROM sign_ins WHERE did = ? AND outcome = 'ok'`,
        [did],
      )
      await write(sql, noted, 1)
      const isFirst = known.length === 0
      return { isFirst, isNewAgent: !isFirst && known.every((one) => one.agent !== agent) }
    })
  }

  /**
   * Notes that somebody tried with a wrong password. Written a little later, with others: the answer
   * must not take longer for an account that exists.
   */
  noteWrongPassword(
    did: Did,
    request: Pick<HttpRequest, 'headers' | 'ip'>,
    place: SignInPlace,
  ): void {
    const [agent, network] = [coarseAgent(request.headers['user-agent']), networkOf(request.ip)]
    const key = JSON.stringify([did, place, agent, network])
    const atMs = this.#now()
    const known = this.#wrong.get(key)
    if (known) Object.assign(known, { atMs, count: known.count + 1 })
    else if (this.#wrong.size < WAITING_MAX) {
      const outcome = 'wrong-password' as const
      this.#wrong.set(key, { did, atMs, place, how: '', outcome, agent, network, count: 1 })
      this.#wake()
    }
  }

  /** Writes wrong passwords as they come, until the signal aborts. */
  async keepNoting(signal: AbortSignal, timers: Pick<Timers, 'sleep'>): Promise<void> {
    const ended = new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
    while (!signal.aborted) {
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      if (this.#wrong.size === 0) await Promise.race([woken, ended])
      await timers.sleep(WAIT_MS, signal).catch(() => {})
      await this.#writeWrong()
    }
  }

  async #writeWrong(): Promise<void> {
    if (this.#wrong.size === 0) return
    const waiting = [...this.#wrong.values()]
    this.#wrong.clear()
    await this.#sql.transaction(async (sql) => {
      for (const { count, ...noted } of waiting) await write(sql, noted, count)
    })
  }

  /** Newest first, of the last 90 days: at most a hundred, and fifty that failed. */
  async list(did: Did): Promise<SignIn[]> {
    await this.#writeWrong()
    return this.#sql.all<SignIn>(
      `SELECT at_ms AS "atMs", place, how, outcome, agent, network, count FROM sign_ins
       WHERE did = ? AND at_ms > ? ORDER BY at_ms DESC, id DESC LIMIT ?`,
      [did, this.#now() - KEPT_MS, KEPT_MAX + FAILED_MAX],
    )
  }

  async deleteExpired(): Promise<void> {
    await this.#sql.run('DELETE FROM sign_ins WHERE at_ms < ?', [this.#now() - KEPT_MS])
  }
}

/** Adds a try to the history; one that failed, to the line of others like it. */
async function write(sql: Sql, noted: Noted, count: number): Promise<void> {
  const { did, atMs, place, how, outcome, agent, network } = noted
  const failed = outcome !== 'ok'
  if (failed) {
    const { changes } = await sql.run(
      `UPDATE sign_ins SET count = count + ?1, at_ms = ?2 WHERE id = (
         SELECT id FROM sign_ins WHERE did = ?3 AND place = ?4 AND how = ?5 AND outcome = ?6
           AND agent = ?7 AND network = ?8 AND at_ms > ?9 ORDER BY id DESC LIMIT 1)`,
      [count, atMs, did, place, how, outcome, agent, network, atMs - ROW_MS],
    )
    if (changes > 0) return
  }
  await sql.run(
    `INSERT INTO sign_ins (did, at_ms, place, how, outcome, agent, network, count)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    [did, atMs, place, how, outcome, agent, network, count],
  )
  const alike = failed ? `outcome <> 'ok'` : `outcome = 'ok'`
  await sql.run(
    `DELETE FROM sign_ins WHERE did = ?1 AND ${alike} AND id <= coalesce((
       SELECT id FROM sign_ins WHERE did = ?1 AND ${alike} ORDER BY id DESC LIMIT 1 OFFSET ?2), -1)`,
    [did, failed ? FAILED_MAX : KEPT_MAX],
  )
}

/** A network of 256 addresses, or of a subscriber: enough to know one's own by. */
export function networkOf(ip: string): string {
  if (ip.includes('.') && !ip.startsWith('::')) return ip.replace(/\.\d+$/, '.x')
  if (ip.startsWith('::ffff:')) return networkOf(ip.slice('::ffff:'.length))
  return ip === '' ? '' : `${ip.split(':').slice(0, 3).join(':')}::x`
}
