import type { Sql } from '#platform/storage'
import type { ClientMetadata } from '#protocol/auth'
import { matchRedirectUri } from '#protocol/auth'
import { base64url, sha256 } from '#protocol/crypto'
import type { Did } from '#protocol/syntax'
import { OAuthError } from './oauth-error.ts'

/** What an app asked for, checked. */
export interface RequestParams {
  redirectUri: string
  /** With spaces between; every one declared by the app. */
  scope: string
  state: string
  codeChallenge: string
  responseMode: 'query' | 'fragment'
  prompt: 'none' | 'login' | 'consent' | 'select_account' | 'create' | undefined
  /** Whose account it is for: a handle, a DID, an address. */
  loginHint: string | undefined
}

/** The key by which a confidential app proved itself. Its session stays bound to it. */
export interface ClientKey {
  kid: string | undefined
  alg: string
  jkt: string
}

/** A request of an app that waits for its owner's word. */
export interface PushedRequest {
  requestUri: string
  clientId: string
  params: RequestParams
  jkt: string
  clientKey: ClientKey | undefined
  createdMs: number
  expiresMs: number
  isDecided: boolean
}

/** What a code was given for. */
export interface Granted extends PushedRequest {
  did: Did
  scope: string
  sessionId: string | undefined
}

const URI_PREFIX = 'urn:ietf:params:oauth:request_uri:'
/** To open the page; what follows is counted anew. */
const REQUEST_MS = 5 * 60_000
/** To sign in and decide, once the page was opened. */
const OPENED_MS = 30 * 60_000
/** An app fetches its tokens at once. */
const CODE_MS = 60_000
/** A code that was used is remembered, so that using it again is noticed. */
const USED_MS = 60 * 60_000
const REQUESTS_MAX = 50_000
const CHALLENGE_MS = 24 * 60 * 60_000
const STATE_MAX = 2_000
const HINT_MAX = 320
const CHALLENGE = /^[\w-]{43}$/
const PROMPTS = ['none', 'login', 'consent', 'select_account', 'create'] as const

/**
 * Reads what an app asks for. Throws invalid_request, invalid_scope, unsupported_response_type.
 * https://atproto.com/specs/oauth#request-fields
 */
export function readParams(
  fields: ReadonlyMap<string, string>,
  client: ClientMetadata,
): RequestParams {
  if (fields.get('response_type') !== 'code')
    throw new OAuthError('unsupported_response_type', 'response_type must be code')
  if (fields.has('request') || fields.has('request_uri'))
    throw invalid('request and request_uri are not taken here')
  const redirectUri = matchRedirectUri(client, required(fields, 'redirect_uri'))
  if (!redirectUri) throw invalid('redirect_uri is none of those the client declares')
  if (fields.get('code_challenge_method') !== 'S256')
    throw invalid('code_challenge_method must be S256')
  const codeChallenge = required(fields, 'code_challenge')
  if (!CHALLENGE.test(codeChallenge)) throw invalid('code_challenge is no SHA-256 in base64url')
  const state = required(fields, 'state')
  if (state.length > STATE_MAX) throw invalid('state is too long')
  const responseMode = fields.get('response_mode') ?? 'query'
  if (responseMode !== 'query' && responseMode !== 'fragment')
    throw invalid('response_mode must be query or fragment')
  const prompt = fields.get('prompt') as RequestParams['prompt']
  if (prompt !== undefined && !PROMPTS.includes(prompt)) throw invalid('Unknown prompt')
  const loginHint = fields.get('login_hint') || undefined
  if (loginHint && loginHint.length > HINT_MAX) throw invalid('login_hint is too long')
  const scope = readScope(fields, client)
  return { redirectUri, scope, state, codeChallenge, responseMode, prompt, loginHint }
}

function readScope(fields: ReadonlyMap<string, string>, client: ClientMetadata): string {
  const scopes = new Set(
    required(fields, 'scope')
      .split(' ')
      .filter((one) => one !== ''),
  )
  if (!scopes.has('atproto')) throw new OAuthError('invalid_scope', 'scope is without atproto')
  for (const scope of scopes)
    if (!client.scopes.has(scope))
      throw new OAuthError('invalid_scope', `The client does not declare ${scope.slice(0, 200)}`)
  return [...scopes].join(' ')
}

function required(fields: ReadonlyMap<string, string>, name: string): string {
  const value = fields.get(name)
  if (!value) throw invalid(`${name} is missing`)
  return value
}

const invalid = (message: string) => new OAuthError('invalid_request', message)

interface Row {
  client_id: string
  params: string
  jkt: string
  client_key: string | null
  created_ms: number
  expires_ms: number
  device: string | null
  did: Did | null
  scope: string | null
  is_decided: number
  session_id: string | null
}

/** Requests of apps, each good for one decision and one exchange. */
export class Requests {
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

  /** Keeps a request. Throws temporarily_unavailable when too many wait. */
  async push(request: {
    clientId: string
    params: RequestParams
    jkt: string
    clientKey: ClientKey | undefined
  }): Promise<{ requestUri: string; expiresInS: number }> {
    const count = await this.#sql.get<{ n: number }>('SELECT count(*) AS n FROM oauth_requests')
    if ((count?.n ?? 0) >= REQUESTS_MAX)
      throw new OAuthError('temporarily_unavailable', 'Too many requests wait for their owners')
    const requestUri = URI_PREFIX + base64url(this.#random(24))
    const nowMs = this.#now()
    await this.#sql.run(
      `INSERT INTO oauth_requests (id_hash, client_id, params, jkt, client_key, created_ms, expires_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
      [
        hashOf(requestUri),
        request.clientId,
        JSON.stringify(request.params),
        request.jkt,
        request.clientKey ? JSON.stringify(request.clientKey) : null,
        nowMs,
        nowMs + REQUEST_MS,
      ],
    )
    return { requestUri, expiresInS: Math.floor(REQUEST_MS / 1000) - 1 }
  }

  /**
   * Opens a request in a browser: the first one on which somebody is signed in keeps it. Throws
   * invalid_request when there is none of this app, it is over or decided, or another browser has it.
   */
  async open(
    requestUri: string,
    clientId: string,
    deviceId: string | undefined,
  ): Promise<PushedRequest> {
    const row = await this.#row('id_hash', hashOf(requestUri))
    if (!row || row.client_id !== clientId || row.expires_ms <= this.#now())
      throw invalid('This request is over, or never was')
    if (row.is_decided) throw invalid('This request was decided already')
    if (row.device !== null && row.device !== deviceId)
      throw invalid('This request was opened in another browser')
    const hasTime = row.expires_ms > row.created_ms + REQUEST_MS
    if (!hasTime || (row.device === null && deviceId !== undefined)) {
      const { changes } = await this.#sql.run(
        `UPDATE oauth_requests SET device = ?1, expires_ms = ?2
         WHERE id_hash = ?3 AND (device IS NULL OR device = ?1)`,
        [deviceId ?? null, row.created_ms + OPENED_MS, hashOf(requestUri)],
      )
      if (changes === 0) throw invalid('This request was opened in another browser')
    }
    return pushed(requestUri, row)
  }

  /** The owner agreed: a code for the app. Undefined when somebody has decided already. */
  async grant(requestUri: string, { did, scope }: { did: Did; scope: string }) {
    const code = base64url(this.#random(32))
    const { changes } = await this.#sql.run(
      `UPDATE oauth_requests SET is_decided = 1, did = ?, scope = ?, code_hash = ?, expires_ms = ?
       WHERE id_hash = ? AND is_decided = 0 AND expires_ms > ?`,
      [did, scope, hashOf(code), this.#now() + CODE_MS, hashOf(requestUri), this.#now()],
    )
    return changes > 0 ? code : undefined
  }

  /** The owner declined, or nothing will come of it. False when it was decided already. */
  async decline(requestUri: string): Promise<boolean> {
    const { changes } = await this.#sql.run(
      'UPDATE oauth_requests SET is_decided = 1, expires_ms = 0 WHERE id_hash = ? AND is_decided = 0',
      [hashOf(requestUri)],
    )
    return changes > 0
  }

  /** What a code was given for, also when it was used or is over. */
  async byCode(code: string): Promise<(Granted & { isOver: boolean }) | undefined> {
    const row = await this.#row('code_hash', hashOf(code))
    if (!row?.did || row.scope === null) return undefined
    const { did, scope } = row
    const sessionId = row.session_id ?? undefined
    return { ...pushed('', row), did, scope, sessionId, isOver: row.expires_ms <= this.#now() }
  }

  /**
   * Uses a code up, within a transaction. False when somebody else was faster. Throws invalid_grant
   * for a PKCE challenge that was used before.
   */
  async useCode(sql: Sql, code: string, challenge: string, sessionId: string): Promise<boolean> {
    const nowMs = this.#now()
    const { changes } = await sql.run(
      `UPDATE oauth_requests SET session_id = ?, expires_ms = ?
       WHERE code_hash = ? AND session_id IS NULL`,
      [sessionId, nowMs + USED_MS, hashOf(code)],
    )
    if (changes === 0) return false
    const taken = await sql.run(
      `INSERT INTO oauth_challenges (challenge, expires_ms) VALUES (?, ?)
       ON CONFLICT (challenge) DO NOTHING`,
      [challenge, nowMs + CHALLENGE_MS],
    )
    if (taken.changes === 0) throw new OAuthError('invalid_grant', 'code_challenge was used before')
    return true
  }

  async deleteExpired(): Promise<void> {
    const nowMs = this.#now()
    await this.#sql.run('DELETE FROM oauth_requests WHERE expires_ms <= ?', [nowMs - CODE_MS])
    await this.#sql.run('DELETE FROM oauth_challenges WHERE expires_ms <= ?', [nowMs])
  }

  #row(column: 'id_hash' | 'code_hash', hash: Uint8Array): Promise<Row | undefined> {
    return this.#sql.get<Row>(`SELECT * FROM oauth_requests WHERE ${column} = ?`, [hash])
  }
}

function pushed(requestUri: string, row: Row): PushedRequest {
  return {
    requestUri,
    clientId: row.client_id,
    params: JSON.parse(row.params) as RequestParams,
    jkt: row.jkt,
    clientKey: row.client_key === null ? undefined : (JSON.parse(row.client_key) as ClientKey),
    createdMs: row.created_ms,
    expiresMs: row.expires_ms,
    isDecided: row.is_decided === 1,
  }
}

const encoder = new TextEncoder()
const hashOf = (text: string): Uint8Array => sha256(encoder.encode(`oauth ${text}`))
