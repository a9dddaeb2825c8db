import type { Sql } from '#platform/storage'
import { base32, sha256 } from '#protocol/crypto'
import type { Did, Handle } from '#protocol/syntax'
import type { HttpRequest } from '#protocol/xrpc'
import type { Cookies } from '../pages/index.ts'
import { coarseAgent } from './agent.ts'

/** A browser, as its cookie says. */
export interface Device {
  /** As pages and lists name it; undefined while nobody has signed in on it. */
  readonly id: string | undefined
  /** What its cookie holds. Another one after each sign-in, so that nobody can prepare it. */
  readonly secret: string
  /** No cookie came: this one has to be set. */
  readonly isNew: boolean
  readonly agent: string
}

/** An account that is signed in on a device. */
export interface SignedIn {
  did: Did
  handle: Handle
  /** When its owner last proved who they are, here. */
  authenticatedAtMs: number
  signedInAtMs: number
  /** No second factor is asked for on this device until then; 0 when one is. */
  trustedUntilMs: number
  /** Whose pages are shown. */
  isSelected: boolean
}

/** A device as its account's owner sees it. */
export interface DeviceOfAccount {
  id: string
  agent: string
  isSignedIn: boolean
  authenticatedAtMs: number
  trustedUntilMs: number
  firstAtMs: number
  seenAtMs: number
}

const COOKIE = 'device'
/** 160 random bits. */
const SECRET = /^[a-z2-7]{32}$/
const DAY_MS = 86_400_000
/** The longest that browsers keep a cookie: 400 days. */
const COOKIE_S = 400 * 86_400
/** A sign-in ends when its device was not seen for so long. */
const IDLE_MS = 30 * DAY_MS
/** And after so long in any case. */
const SIGNED_IN_MAX_MS = 180 * DAY_MS
/** What is known of a device that does not come back; longer than any trust. */
const FORGET_MS = 90 * DAY_MS
/** How long no second factor is asked for where somebody said so. */
const TRUST_MS = 30 * DAY_MS
const ACCOUNTS_MAX = 10
const DEVICES_MAX = 50
/** `seen` is not written more often than this. */
const SEEN_MS = 3_600_000

interface DeviceRow {
  id: string
  agent: string
  seen_ms: number
}

/** Browsers and the accounts signed in on them, in the directory database. */
export class Devices {
  readonly #sql: Sql
  readonly #cookies: Cookies
  readonly #now: () => number
  readonly #random: (byteCount: number) => Uint8Array

  constructor(options: {
    sql: Sql
    cookies: Cookies
    now: () => number
    random: (byteCount: number) => Uint8Array
  }) {
    this.#sql = options.sql
    this.#cookies = options.cookies
    this.#now = options.now
    this.#random = options.random
  }

  /** The device a request comes from; a new one, nowhere kept, without a cookie that could be ours. */
  async of(request: Pick<HttpRequest, 'headers'>): Promise<Device> {
    const agent = coarseAgent(request.headers['user-agent'])
    const secret = this.#cookies.read(request, COOKIE)
    if (secret === undefined || !SECRET.test(secret)) {
      return { id: undefined, secret: this.#newSecret(), isNew: true, agent }
    }
    const row = await this.#sql.get<DeviceRow>(
      'SELECT id, agent, seen_ms FROM devices WHERE secret_hash = ?',
      [hashOf(secret)],
    )
    if (row) await this.#seen(row)
    return { id: row?.id, secret, isNew: false, agent }
  }

  /** After which instants a sign-in must have been seen, and begun. */
  #bounds(): [number, number] {
    return [this.#now() - IDLE_MS, this.#now() - SIGNED_IN_MAX_MS]
  }

  /** The `set-cookie` header of a device. */
  cookie({ secret }: Device): string {
    return this.#cookies.set(COOKIE, secret, COOKIE_S)
  }

  #newSecret(): string {
    return base32(this.#random(20))
  }

  async #seen({ id, seen_ms }: DeviceRow): Promise<void> {
    const nowMs = this.#now()
    if (nowMs - seen_ms < SEEN_MS) return
    await this.#sql.transaction(async (sql) => {
      await sql.run('UPDATE devices SET seen_ms = ? WHERE id = ?', [nowMs, id])
      // One that has ended does not come back to life.
      await sql.run(
        `UPDATE device_accounts SET seen_ms = ?4 WHERE device_id = ?1 AND ${IS_SIGNED_IN}`,
        [id, ...this.#bounds(), nowMs],
      )
    })
  }

  /** Who is signed in on a device, latest first. */
  async signedIn({ id }: Device): Promise<SignedIn[]> {
    if (id === undefined) return []
    const rows = await this.#sql.all<Omit<SignedIn, 'isSelected'> & { selected: number }>(
      `SELECT da.did AS did, a.handle AS handle, da.authenticated_ms AS authenticatedAtMs,
         da.signed_in_ms AS signedInAtMs, da.trusted_until_ms AS trustedUntilMs,
         CASE WHEN d.selected_did = da.did THEN 1 ELSE 0 END AS selected
       FROM device_accounts da JOIN devices d ON d.id = da.device_id
         JOIN accounts a ON a.did = da.did
       WHERE da.device_id = ?1 AND a.status NOT IN ('pending', 'deleted')
         AND da.signed_in_ms > ?3 AND da.seen_ms > ?2
       ORDER BY da.signed_in_ms DESC, da.did`,
      [id, ...this.#bounds()],
    )
    return rows.map(({ selected, ...row }) => ({ ...row, isSelected: selected === 1 }))
  }

  /**
   * An account's owner has proved who they are: they are signed in on this device, which has
   * another secret from now on. The cookie of what comes back has to be set.
   */
  async signIn(device: Device, did: Did, { trust = false } = {}): Promise<Device> {
    const nowMs = this.#now()
    const secret = this.#newSecret()
    const id = await this.#sql.transaction(async (sql) => {
      const id = await this.#rotate(sql, device, secret, nowMs)
      await sql.run(
        `INSERT INTO device_accounts (device_id, did, signed_in_ms, authenticated_ms,
           trusted_until_ms, first_ms, seen_ms) VALUES (?1, ?2, ?3, ?3, ?4, ?3, ?3)
         ON CONFLICT (device_id, did) DO UPDATE SET signed_in_ms = ?3, authenticated_ms = ?3,
           trusted_until_ms = CASE WHEN ?4 > 0 THEN ?4 ELSE device_accounts.trusted_until_ms END,
           seen_ms = ?3`,
        [id, did, nowMs, trust ? nowMs + TRUST_MS : 0],
      )
      await sql.run('UPDATE devices SET selected_did = ? WHERE id = ?', [did, id])
      await this.#keepBounds(sql, id, did)
      return id
    })
    return { ...device, id, secret, isNew: true }
  }

  async #rotate(sql: Sql, device: Device, secret: string, nowMs: number): Promise<string> {
    const { id, agent } = device
    if (id !== undefined) {
      const { changes } = await sql.run(
        'UPDATE devices SET secret_hash = ?, agent = ?, seen_ms = ? WHERE id = ? AND secret_hash = ?',
        [hashOf(secret), agent, nowMs, id, hashOf(device.secret)],
      )
      if (changes > 0) return id
    }
    const made = base32(this.#random(10))
    await sql.run(
      'INSERT INTO devices (id, secret_hash, agent, created_ms, seen_ms) VALUES (?, ?, ?, ?, ?)',
      [made, hashOf(secret), agent, nowMs, nowMs],
    )
    return made
  }

  /** Those used least lately go. */
  async #keepBounds(sql: Sql, id: string, did: Did): Promise<void> {
    await sql.run(
      `DELETE FROM device_accounts WHERE device_id = ?1 AND did NOT IN (
         SELECT did FROM device_accounts WHERE device_id = ?1 ORDER BY seen_ms DESC, did LIMIT ?2)`,
      [id, ACCOUNTS_MAX],
    )
    await sql.run(
      `DELETE FROM device_accounts WHERE did = ?1 AND device_id NOT IN (
         SELECT device_id FROM device_accounts WHERE did = ?1
         ORDER BY seen_ms DESC, device_id LIMIT ?2)`,
      [did, DEVICES_MAX],
    )
  }

  /** Its owner proved again who they are. The device has another secret from now on. */
  async confirm(device: Device, did: Did): Promise<Device> {
    return this.signIn(device, did)
  }

  /** Shows the pages of another account that is signed in on the device. */
  async select({ id }: Device, did: Did): Promise<void> {
    if (id === undefined) return
    await this.#sql.run('UPDATE devices SET selected_did = ? WHERE id = ?', [did, id])
  }

  /** Whether an account's owner said that this device needs no second factor. */
  async isTrusted({ id }: Device, did: Did): Promise<boolean> {
    if (id === undefined) return false
    const row = await this.#sql.get(
      'SELECT 1 FROM device_accounts WHERE device_id = ? AND did = ? AND trusted_until_ms > ?',
      [id, did, this.#now()],
    )
    return row !== undefined
  }

  /** Whether the account has been signed in on this device before. */
  async knows({ id }: Device, did: Did): Promise<boolean> {
    if (id === undefined) return false
    const sql = 'SELECT 1 FROM device_accounts WHERE device_id = ? AND did = ?'
    return (await this.#sql.get(sql, [id, did])) !== undefined
  }

  /** Signs an account out of a device; what it trusts it for stays. */
  async signOut({ id }: Device, did: Did): Promise<void> {
    if (id === undefined) return
    await this.#sql.run(
      'UPDATE device_accounts SET signed_in_ms = NULL WHERE device_id = ? AND did = ?',
      [id, did],
    )
  }

  /** The devices of an account, those seen last first. */
  async list(did: Did): Promise<DeviceOfAccount[]> {
    const rows = await this.#sql.all<Omit<DeviceOfAccount, 'isSignedIn'> & { open: number }>(
      `SELECT d.id AS id, d.agent AS agent, da.authenticated_ms AS authenticatedAtMs,
         da.trusted_until_ms AS trustedUntilMs, da.first_ms AS firstAtMs, da.seen_ms AS seenAtMs,
         CASE WHEN da.signed_in_ms > ?3 AND da.seen_ms > ?2 THEN 1 ELSE 0 END AS open
       FROM device_accounts da JOIN devices d ON d.id = da.device_id
       WHERE da.did = ?1 ORDER BY da.seen_ms DESC, d.id`,
      [did, ...this.#bounds()],
    )
    return rows.map(({ open, ...row }) => ({ ...row, isSignedIn: open === 1 }))
  }

  /** Signs an account out of one of its devices, and trusts it no more. */
  async forget(did: Did, id: string): Promise<void> {
    await this.#sql.run('DELETE FROM device_accounts WHERE device_id = ? AND did = ?', [id, did])
  }

  /** Signs an account out everywhere, but for one device that it may stay on. */
  async forgetAll(did: Did, { but }: { but?: Device } = {}): Promise<void> {
    await this.#sql.run('DELETE FROM device_accounts WHERE did = ? AND device_id != ?', [
      did,
      but?.id ?? '',
    ])
  }

  /** Forgets devices that did not come back. */
  async deleteExpired(): Promise<void> {
    const beforeMs = this.#now() - FORGET_MS
    await this.#sql.run('DELETE FROM device_accounts WHERE seen_ms < ? AND trusted_until_ms < ?', [
      beforeMs,
      this.#now(),
    ])
    await this.#sql.run(
      `DELETE FROM devices WHERE seen_ms < ?
         AND NOT EXISTS (SELECT 1 FROM device_accounts WHERE device_id = devices.id)`,
      [beforeMs],
    )
  }
}

const IS_SIGNED_IN = 'seen_ms > ?2 AND signed_in_ms > ?3'

/** A copy of the database signs nobody in. */
const hashOf = (secret: string): Uint8Array => sha256(new TextEncoder().encode(`device ${secret}`))
