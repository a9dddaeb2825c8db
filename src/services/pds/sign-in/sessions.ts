import type { Sql } from '#platform/storage'
import { type SessionClaims, type SessionScope, signSession, verifySession } from '#protocol/auth'
import { base32, sha256 } from '#protocol/crypto'
import type { Did } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'
import type { EndedSessions } from './ended-sessions.ts'
import type { AppPassword } from './passwords.ts'
import type { AppPurpose } from './purposes.ts'

const SCOPES: readonly SessionScope[] = [
  'com.atproto.access',
  'com.atproto.refresh',
  'com.atproto.appPass',
  'com.atproto.appPassPrivileged',
  'com.atproto.takendown',
]
/** How long an access token is good, unless its session ends. */
export const ACCESS_LIFETIME_S = 2 * 60 * 60
const REFRESH_LIFETIME_S = 90 * 24 * 60 * 60
/** A refresh token stays usable this long after it was used, for a client that lost the answer. */
const REFRESH_GRACE_MS = 2 * 60 * 60 * 1000

/** Sessions shown to their owner. */
const LISTED_MAX = 200
/** Tokens remembered, about 1 kB each. */
const VERIFIED_MAX = 5_000

interface RefreshRow {
  id: string
  /** Null for sessions begun before they had names: then the token's own. */
  session_id: string | null
  did: Did
  expires_ms: number
  next_id: string | null
  app_password_name: string | null
  created_ms: number
  started_ms: number | null
  agent: string | null
}

/** A session as its owner sees it. */
export interface OpenSession {
  id: string
  /** 'Firefox, Android', or empty. */
  agent: string
  /** The name of the app password it was opened with. */
  appPassword: string | undefined
  startedMs: number
  /** When its tokens were last renewed. */
  renewedMs: number
}

export interface Tokens {
  accessJwt: string
  refreshJwt: string
}

/**
 * Password sessions: access tokens by their signature, refresh tokens kept and rotated. A session
 * that ended opens nothing from that moment.
 */
export class Sessions {
  readonly #sql: Sql
  readonly #ended: EndedSessions
  readonly #secret: Uint8Array
  readonly #audience: Did
  readonly #now: () => number
  readonly #random: (byteCount: number) => Uint8Array
  readonly #onAllRevoked: (did: Did) => Promise<void>
  /** Tokens whose signature was found good: a client sends the same one with each request. */
  readonly #verified = new Map<string, SessionClaims>()

  constructor(options: {
    sql: Sql
    ended: EndedSessions
    secret: Uint8Array
    /** The host's own DID. */
    audience: Did
    /** Ends what else was signed in on the account's behalf. */
    onAllRevoked?: (did: Did) => Promise<void>
    now: () => number
    random: (byteCount: number) => Uint8Array
  }) {
    this.#sql = options.sql
    this.#ended = options.ended
    this.#secret = options.secret
    this.#audience = options.audience
    this.#onAllRevoked = options.onAllRevoked ?? (async () => {})
    this.#now = options.now
    this.#random = options.random
  }

  /** Starts a session; `appPassword` when one was used to sign in. */
  async create(
    did: Did,
    appPassword?: Pick<AppPassword, 'name' | 'privileged' | 'purpose'>,
    agent = '',
  ): Promise<Tokens> {
    const id = this.#newId()
    const startedMs = this.#now()
    await this.#insert(this.#sql, id, did, {
      session_id: id,
      app_password_name: appPassword?.name ?? null,
      started_ms: startedMs,
      agent,
    })
    return this.#tokens(did, id, scopeOf(appPassword), id, appPassword?.purpose)
  }

  /** A session of an account that was taken down: it opens little, and cannot be renewed. */
  createTakendown(did: Did): Tokens {
    return this.#tokens(did, this.#newId(), 'com.atproto.takendown')
  }

  async #insert(
    sql: Sql,
    id: string,
    did: Did,
    of: Pick<RefreshRow, 'session_id' | 'app_password_name' | 'started_ms' | 'agent'>,
  ): Promise<void> {
    const nowMs = this.#now()
    await sql.run(
      `INSERT INTO refresh_tokens
         (id, did, expires_ms, app_password_name, created_ms, started_ms, agent, session_id)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
      [
        ...[id, did, nowMs + REFRESH_LIFETIME_S * 1000, of.app_password_name, nowMs],
        ...[of.started_ms, of.agent, of.session_id],
      ],
    )
  }

  /** The sessions of an account that go on, those renewed last first. */
  async list(did: Did): Promise<OpenSession[]> {
    const rows = await this.#sql.all<RefreshRow>(
      `SELECT * FROM refresh_tokens WHERE did = ? AND next_id IS NULL AND expires_ms > ?
       ORDER BY created_ms DESC, id LIMIT ?`,
      [did, this.#now(), LISTED_MAX],
    )
    return rows.map((row) => ({
      id: row.id,
      agent: row.agent ?? '',
      appPassword: row.app_password_name ?? undefined,
      startedMs: row.started_ms ?? row.created_ms,
      renewedMs: row.created_ms,
    }))
  }

  /** Ends one session of an account, by any of its refresh tokens. */
  async end(did: Did, id: string): Promise<void> {
    await this.#end(
      did,
      `next_id = ?2 OR coalesce(session_id, id) = (
         SELECT coalesce(session_id, id) FROM refresh_tokens WHERE id = ?2)`,
      [id],
    )
  }

  /** Ends the sessions of an account that some of its refresh tokens are of. */
  async #end(did: Did, which: string, params: readonly string[]): Promise<void> {
    const ofThem = `FROM refresh_tokens WHERE did = ?1 AND (${which})`
    const remember = await this.#sql.transaction(async (sql) => {
      const sessions = await sql.all<{ name: string | null; renewedMs: number }>(
        `SELECT session_id AS name, max(created_ms) AS "renewedMs" ${ofThem} GROUP BY session_id`,
        [did, ...params],
      )
      await sql.run(`DELETE ${ofThem}`, [did, ...params])
      // Of what was renewed before then no access token is good any more.
      const sinceMs = this.#now() - ACCESS_LIFETIME_S * 1000
      const open = sessions.filter(({ renewedMs }) => renewedMs > sinceMs)
      return this.#ended.note(
        sql,
        open.map(({ name }) => name ?? did),
      )
    })
    remember()
  }

  #newId(): string {
    return base32(this.#random(20))
  }

  #tokens(
    did: Did,
    refreshId: string,
    scope: SessionScope,
    sid?: string,
    may?: AppPurpose,
  ): Tokens {
    const iat = Math.floor(this.#now() / 1000)
    const common = { sub: did, aud: this.#audience, iat }
    return {
      accessJwt: signSession(
        {
          ...{ ...common, scope, exp: iat + ACCESS_LIFETIME_S },
          ...(sid !== undefined && { sid }),
          ...(may !== undefined && { may }),
        },
        this.#secret,
      ),
      refreshJwt: signSession(
        {
          ...common,
          scope: 'com.atproto.refresh',
          exp: iat + REFRESH_LIFETIME_S,
          jti: refreshId,
        },
        this.#secret,
      ),
    }
  }

  /** For access tokens. Throws ExpiredToken when their session has ended; looks in memory alone. */
  requireOpen(claims: SessionClaims): void {
    // The word that makes clients renew, and then let their owner sign in again.
    if (this.#ended.has(claims)) throw revoked('Token has been revoked')
  }

  /** Reads an access or refresh token, whatever became of its session. Throws InvalidToken, ExpiredToken. */
  verify(token: string, { allowExpired = false } = {}): SessionClaims {
    const known = this.#verified.get(token)
    if (known && this.#now() < known.exp * 1000) return known
    const claims = this.#check(token, allowExpired)
    this.#verified.set(token, claims)
    if (this.#verified.size > VERIFIED_MAX) {
      this.#verified.delete(this.#verified.keys().next().value!)
    }
    return claims
  }

  #check(token: string, allowExpired: boolean): SessionClaims {
    const checks = { aud: this.#audience, scopes: SCOPES, allowExpired }
    return verifySession(token, this.#secret, this.#now(), checks)
  }

  /**
   * Rotates a refresh token. Asked twice within the grace time it gives the same successor, so
   * that a lost answer does not end the session. Throws ExpiredToken for a used or revoked one.
   */
  async refresh(did: Did, id: string): Promise<Tokens & { appPasswordName: string | undefined }> {
    const row = await this.#sql.get<RefreshRow>('SELECT * FROM refresh_tokens WHERE id = ?', [id])
    if (!row || row.did !== did || row.expires_ms <= this.#now()) {
      throw revoked('Token has been revoked')
    }
    const nextId = row.next_id ?? this.#newId()
    const sid = row.session_id ?? row.id
    const graceEnd = Math.min(row.expires_ms, this.#now() + REFRESH_GRACE_MS)
    const usedNow = await this.#sql.transaction(async (sql) => {
      const { changes } = await sql.run(
        `UPDATE refresh_tokens SET next_id = ?, expires_ms = ?
         WHERE id = ? AND (next_id IS NULL OR next_id = ?)`,
        [nextId, row.next_id ? row.expires_ms : graceEnd, id, nextId],
      )
      if (changes > 0) await this.#insert(sql, nextId, did, { ...row, session_id: sid })
      return changes > 0
    })
    // Somebody else rotated it between the read and the update: take what they made.
    if (!usedNow) return this.refresh(did, id)
    const appPassword = row.app_password_name
      ? await this.#appPassword(did, row.app_password_name)
      : undefined
    return {
      ...this.#tokens(did, nextId, scopeOf(appPassword), sid, appPassword?.purpose),
      appPasswordName: appPassword?.name,
    }
  }

  async #appPassword(did: Did, name: string): Promise<AppPassword> {
    const row = await this.#sql.get<{ privileged: number; purpose: AppPurpose | null }>(
      'SELECT privileged, purpose FROM app_passwords WHERE did = ? AND name = ?',
      [did, name],
    )
    if (!row) throw revoked('App password was revoked')
    return { name, privileged: row.privileged === 1, purpose: row.purpose ?? undefined }
  }

  /** Ends every session of an account, those of apps too. */
  async revokeAll(did: Did): Promise<void> {
    await this.endAll(did)
    await this.#onAllRevoked(did)
  }

  /** Ends the password sessions of an account; apps that were let in stay. */
  async endAll(did: Did): Promise<void> {
    await this.#end(did, 'TRUE', [])
    // What was given without a session: to the owner of an account that is held back.
    const remember = await this.#sql.transaction((sql) => this.#ended.note(sql, [did]))
    remember()
  }

  /** Ends the sessions that were opened with an app password. */
  revokeAppPassword(did: Did, name: string): Promise<void> {
    return this.#end(did, 'app_password_name = ?2', [name])
  }

  /** Drops tokens that can no longer be used. */
  async deleteExpired(): Promise<void> {
    await this.#sql.run('DELETE FROM refresh_tokens WHERE expires_ms <= ?', [this.#now()])
    await this.#ended.deleteExpired()
  }
}

const revoked = (message: string) => new XrpcError(400, 'ExpiredToken', message)

function scopeOf(appPassword: { privileged: boolean } | undefined): SessionScope {
  if (!appPassword) return 'com.atproto.access'
  return appPassword.privileged ? 'com.atproto.appPassPrivileged' : 'com.atproto.appPass'
}

/** Codes are stored hashed: a copy of the database opens no account. */
export const codeHash = (code: string): Uint8Array =>
  sha256(new TextEncoder().encode(code.trim().toUpperCase()))
