import { createLru } from '#platform/runtime'
import type { Sql } from '#platform/storage'
import { Permissions } from '#protocol/auth'
import { base32 } from '#protocol/crypto'
import type { Did } from '#protocol/syntax'
import { OAuthError } from './oauth-error.ts'
import type { ClientKey } from './requests.ts'
import type { TokenKind, Tokens } from './tokens.ts'

/** An app that may act for an account. */
export interface AppSession {
  readonly id: string
  readonly did: Did
  readonly clientId: string
  readonly clientName: string | undefined
  readonly clientKey: ClientKey | undefined
  /** The key whose holder alone can use its tokens. */
  readonly jkt: string
  /** As granted. */
  readonly scope: string
  readonly permissions: Permissions
  readonly mayRefresh: boolean
  readonly generation: number
  readonly generationMs: number
  /** When the tokens before the newest were made. */
  readonly previousMs: number
  readonly createdMs: number
  readonly expiresMs: number
}

/** What an app gets. */
export interface TokenSet {
  accessToken: string
  refreshToken: string | undefined
  expiresInS: number
  scope: string
  did: Did
}

/** An app as its account's owner sees it. */
export interface AuthorizedApp {
  sessionId: string
  clientId: string
  clientName: string | undefined
  scope: string
  createdMs: number
  /** When it last renewed its tokens. */
  usedMs: number
  expiresMs: number
}

const DAY_MS = 24 * 60 * 60_000
/** The profile allows half an hour; ending a session ends them at once in any case. */
export const ACCESS_MS = 15 * 60_000
/** A session of an app that cannot prove itself ends after two weeks, by the profile. */
const PUBLIC_MS = 14 * DAY_MS
/** That of an app that proves itself lives as long as it is used, two years at most. */
const CONFIDENTIAL_IDLE_MS = 90 * DAY_MS
const CONFIDENTIAL_MS = 730 * DAY_MS
/** An answer that was lost may be asked for again this long. */
export const GRACE_MS = 60_000
/** Those used least lately end. */
const PER_ACCOUNT_MAX = 200
const CACHED_MAX = 20_000

interface Row {
  id: string
  did: Did
  client_id: string
  client_name: string | null
  client_key: string | null
  jkt: string
  scope: string
  permissions: string
  may_refresh: number
  generation: number
  generation_ms: number
  previous_ms: number
  created_ms: number
  expires_ms: number
  ends_ms: number
}

/** Sessions of apps, and their tokens. What is ended here opens nothing from that moment. */
export class AppSessions {
  readonly #sql: Sql
  readonly #tokens: Tokens
  readonly #now: () => number
  readonly #random: (byteCount: number) => Uint8Array
  /** Sessions in use: each call of an app needs one. Every change goes through here. */
  readonly #cache = createLru<string, AppSession>({ maxEntries: CACHED_MAX })
  /** Lately ended: a row that was read before must not come back. */
  readonly #ended = createLru<string, true>({ maxEntries: CACHED_MAX })

  constructor(options: {
    sql: Sql
    tokens: Tokens
    now: () => number
    random: (byteCount: number) => Uint8Array
  }) {
    this.#sql = options.sql
    this.#tokens = options.tokens
    this.#now = options.now
    this.#random = options.random
  }

  newId(): string {
    return base32(this.#random(20))
  }

  /** Begins a session, within the transaction that uses up its code. */
  async begin(
    sql: Sql,
    session: Pick<AppSession, 'id' | 'did' | 'clientId' | 'clientName' | 'jkt' | 'scope'> & {
      clientKey: ClientKey | undefined
      mayRefresh: boolean
      /** The scope with permission sets resolved. */
      permissions: string
    },
  ): Promise<TokenSet> {
    const nowMs = this.#now()
    const isConfidential = session.clientKey !== undefined
    const endsMs = nowMs + (isConfidential ? CONFIDENTIAL_MS : PUBLIC_MS)
    await sql.run(
      `INSERT INTO oauth_sessions (id, did, client_id, client_name, client_key, jkt, scope,
         permissions, may_refresh, generation, generation_ms, previous_ms, created_ms, expires_ms,
         ends_ms)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 1, ?10, 0, ?10, ?11, ?12)`,
      [
        session.id,
        session.did,
        session.clientId,
        session.clientName ?? null,
        session.clientKey ? JSON.stringify(session.clientKey) : null,
        session.jkt,
        session.scope,
        session.permissions,
        session.mayRefresh ? 1 : 0,
        nowMs,
        this.#expiry(nowMs, endsMs, session),
        endsMs,
      ],
    )
    const rows = await this.#crowd(sql, session.did)
    for (const { id } of rows) {
      this.#forget(id)
      await sql.run('DELETE FROM oauth_sessions WHERE id = ?', [id])
    }
    return this.#tokenSet({ ...session, generation: 1, generationMs: nowMs })
  }

  /** Those of an account that are too many, used least lately. */
  #crowd(sql: Sql, did: Did): Promise<{ id: string }[]> {
    return sql.all<{ id: string }>(
      `SELECT id FROM oauth_sessions WHERE did = ? ORDER BY generation_ms DESC, id LIMIT ? OFFSET ?`,
      [did, PER_ACCOUNT_MAX, PER_ACCOUNT_MAX],
    )
  }

  #expiry(
    nowMs: number,
    endsMs: number,
    { mayRefresh, clientKey }: Pick<AppSession, 'mayRefresh' | 'clientKey'>,
  ): number {
    if (!mayRefresh) return nowMs + ACCESS_MS
    return Math.min(endsMs, nowMs + (clientKey ? CONFIDENTIAL_IDLE_MS : PUBLIC_MS))
  }

  #tokenSet(
    session: Pick<
      AppSession,
      'id' | 'did' | 'scope' | 'mayRefresh' | 'generation' | 'generationMs'
    >,
  ): TokenSet {
    const leftMs = session.generationMs + ACCESS_MS - this.#now()
    return {
      accessToken: this.#tokens.make('access', session),
      refreshToken: session.mayRefresh ? this.#tokens.make('refresh', session) : undefined,
      expiresInS: Math.max(0, Math.floor(leftMs / 1000)),
      scope: session.scope,
      did: session.did,
    }
  }

  /** The session of an access token that is still good; undefined otherwise. */
  async byAccessToken(token: string): Promise<AppSession | undefined> {
    const name = this.#tokens.read('access', token)
    const session = name && (await this.get(name.id))
    if (!session) return undefined
    const sinceMs =
      name.generation === session.generation
        ? session.generationMs
        : name.generation === session.generation - 1
          ? session.previousMs
          : 0
    return this.#now() < sinceMs + ACCESS_MS ? session : undefined
  }

  /** A session that has not ended. */
  async get(id: string): Promise<AppSession | undefined> {
    const session = this.#cache.get(id) ?? (await this.#load(id))
    return session && session.expiresMs > this.#now() ? session : undefined
  }

  async #load(id: string): Promise<AppSession | undefined> {
    const row = await this.#sql.get<Row>('SELECT * FROM oauth_sessions WHERE id = ?', [id])
    if (!row) return undefined
    // What was read may be older than what happened while it was.
    if (this.#ended.has(id)) return undefined
    const known = this.#cache.get(id)
    if (known && known.generation >= row.generation) return known
    const session = sessionOf(row)
    this.#cache.set(id, session)
    return session
  }

  /** The session that a token of either kind names, however old it is. */
  async named(token: string): Promise<AppSession | undefined> {
    const kinds: readonly TokenKind[] = ['refresh', 'access']
    const name = kinds.map((kind) => this.#tokens.read(kind, token)).find((one) => one)
    return name && this.get(name.id)
  }

  /**
   * Renews a session's tokens by its refresh token: each is good once. For a minute the one before
   * the newest gives the newest again, to the holder of the same key, since answers get lost; a token
   * that comes later, or from somebody else, was stolen, and ends the session. Throws invalid_grant.
   */
  async refresh(
    token: string,
    by: { clientId: string; jkt: string; clientKey: ClientKey | undefined },
    resolve: (scope: string) => Promise<string>,
  ): Promise<TokenSet> {
    const name = this.#tokens.read('refresh', token)
    const session = name && (await this.get(name.id))
    if (!session) throw new OAuthError('invalid_grant', 'The refresh token is over')
    const why = whyNotBy(session, by)
    if (why) {
      await this.end(session.id)
      throw new OAuthError('invalid_grant', why)
    }
    if (name.generation === session.generation) return this.#renew(session, resolve)
    const isLost =
      name.generation === session.generation - 1 && this.#now() < session.generationMs + GRACE_MS
    if (isLost) return this.#tokenSet(session)
    await this.end(session.id)
    throw new OAuthError('invalid_grant', 'The refresh token was used before')
  }

  async #renew(
    session: AppSession,
    resolve: (scope: string) => Promise<string>,
  ): Promise<TokenSet> {
    const permissions = await resolve(session.scope)
    const nowMs = this.#now()
    const row = await this.#sql.get<{ ends_ms: number }>(
      'SELECT ends_ms FROM oauth_sessions WHERE id = ?',
      [session.id],
    )
    const { changes } = await this.#sql.run(
      `UPDATE oauth_sessions SET generation = ?1, previous_ms = generation_ms, generation_ms = ?2,
         permissions = ?3, expires_ms = ?4
       WHERE id = ?5 AND generation = ?6`,
      [
        session.generation + 1,
        nowMs,
        permissions,
        this.#expiry(nowMs, row?.ends_ms ?? 0, session),
        session.id,
        session.generation,
      ],
    )
    this.#cache.delete(session.id)
    const renewed = await this.#load(session.id)
    if (!renewed) throw new OAuthError('invalid_grant', 'The session has ended')
    // Asked twice at once: the one that came second gets what the first one made.
    if (changes === 0 && renewed.generation !== session.generation + 1)
      throw new OAuthError('invalid_grant', 'The refresh token was used before')
    return this.#tokenSet(renewed)
  }

  /** Ends a session, its tokens with it. */
  async end(id: string): Promise<void> {
    this.#forget(id)
    await this.#sql.run('DELETE FROM oauth_sessions WHERE id = ?', [id])
  }

  #forget(id: string): void {
    this.#ended.set(id, true)
    this.#cache.delete(id)
  }

  /** Ends every session of an account; of one app, when it is named. */
  async endAll(did: Did, clientId?: string): Promise<void> {
    const rows = await this.#sql.all<{ id: string }>(
      'SELECT id FROM oauth_sessions WHERE did = ?1 AND (?2 IS NULL OR client_id = ?2)',
      [did, clientId ?? null],
    )
    for (const { id } of rows) await this.end(id)
  }

  /** The apps that may act for an account, those used last first. */
  async list(did: Did): Promise<AuthorizedApp[]> {
    const rows = await this.#sql.all<Row>(
      `SELECT * FROM oauth_sessions WHERE did = ? AND expires_ms > ?
       ORDER BY generation_ms DESC, id`,
      [did, this.#now()],
    )
    return rows.map((row) => ({
      sessionId: row.id,
      clientId: row.client_id,
      clientName: row.client_name ?? undefined,
      scope: row.scope,
      createdMs: row.created_ms,
      usedMs: row.generation_ms,
      expiresMs: row.expires_ms,
    }))
  }

  async deleteExpired(): Promise<void> {
    await this.#sql.run('DELETE FROM oauth_sessions WHERE expires_ms <= ?', [this.#now()])
  }

  /** Sessions in memory. */
  get size(): number {
    return this.#cache.size
  }
}

/** Why somebody who brings a session's token is not the app that it belongs to. */
function whyNotBy(
  session: AppSession,
  by: { clientId: string; jkt: string; clientKey: ClientKey | undefined },
): string | undefined {
  if (session.clientId !== by.clientId) return 'The refresh token is of another client'
  if (session.jkt !== by.jkt) return 'The refresh token is bound to another DPoP key'
  if (session.clientKey?.jkt !== by.clientKey?.jkt)
    return 'The client proved itself by another key than when the session began'
  return undefined
}

function sessionOf(row: Row): AppSession {
  return {
    id: row.id,
    did: row.did,
    clientId: row.client_id,
    clientName: row.client_name ?? undefined,
    clientKey: row.client_key === null ? undefined : (JSON.parse(row.client_key) as ClientKey),
    jkt: row.jkt,
    scope: row.scope,
    permissions: new Permissions(row.permissions),
    mayRefresh: row.may_refresh === 1,
    generation: row.generation,
    generationMs: row.generation_ms,
    previousMs: row.previous_ms,
    createdMs: row.created_ms,
    expiresMs: row.expires_ms,
  }
}
