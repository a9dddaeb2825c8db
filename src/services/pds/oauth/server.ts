import type { Metrics } from '#platform/runtime'
import type { Sql } from '#platform/storage'
import {
  assertionType,
  ClientError,
  createDpopReader,
  type DpopChecks,
  DpopError,
  type DpopProof,
  type Permissions,
  parseAuthorization,
  verifyClientAssertion,
} from '#protocol/auth'
import { base64url, sha256 } from '#protocol/crypto'
import type { Did } from '#protocol/syntax'
import { type HttpRequest, XrpcError } from '#protocol/xrpc'
import { type Account, type Accounts, isHeldBack } from '../accounts/index.ts'
import type { AppSession, AppSessions, TokenSet } from './app-sessions.ts'
import type { Client, Clients } from './clients.ts'
import { OAuthError } from './oauth-error.ts'
import type { PermissionSets } from './permission-sets.ts'
import { ProofGuard } from './proof-guard.ts'
import { type ClientKey, type Requests, readParams } from './requests.ts'

/** Fields of a form that an app sent. */
export type Fields = ReadonlyMap<string, string>

/** An app that calls an endpoint, as far as it could prove itself. */
interface AppCaller {
  client: Client
  clientKey: ClientKey | undefined
}

const ASSERTIONS_MAX = 100_000

/**
 * The authorization server of this host's accounts: what apps ask of it, and their calls.
 * https://atproto.com/specs/oauth
 */
export class AuthorizationServer {
  readonly issuer: string
  readonly #sql: Sql
  readonly #accounts: Accounts
  readonly #isHeld: (account: Account) => Promise<boolean>
  readonly #clients: Clients
  readonly #requests: Requests
  readonly #sessions: AppSessions
  readonly #sets: PermissionSets
  readonly #now: () => number
  readonly #startedMs: number
  readonly #guard: ProofGuard
  readonly #readProof = createDpopReader()
  /** Client assertions that were taken, until they would be too old. */
  readonly #assertions = new Map<string, number>()
  readonly #count: (what: string, outcome: string) => void

  constructor(options: {
    /** Where the host is reached, without a trailing slash. */
    issuer: string
    sql: Sql
    accounts: Accounts
    /** Whether an account lacks a factor that the host asks for: no app gets anything then. */
    isHeld: (account: Account) => Promise<boolean>
    clients: Clients
    requests: Requests
    sessions: AppSessions
    sets: PermissionSets
    metrics: Metrics
    now: () => number
    random: (byteCount: number) => Uint8Array
  }) {
    this.issuer = options.issuer
    this.#sql = options.sql
    this.#accounts = options.accounts
    this.#isHeld = options.isHeld
    this.#clients = options.clients
    this.#requests = options.requests
    this.#sessions = options.sessions
    this.#sets = options.sets
    this.#now = options.now
    this.#startedMs = options.now()
    this.#guard = new ProofGuard(options)
    const counter = options.metrics.counter(
      'pds_oauth_total',
      'What apps asked of the authorization server, by outcome.',
      ['what', 'outcome'],
    )
    this.#count = (what, outcome) => counter.with(what, outcome).add()
    const { metrics } = options
    metrics.gauge(
      'pds_oauth_proofs',
      'Proofs remembered against replay.',
      [],
      () => this.#guard.size,
    )
    metrics.gauge(
      'pds_oauth_sessions',
      'Sessions of apps in memory.',
      [],
      () => this.#sessions.size,
    )
  }

  /** What the next proof of anybody has to say. */
  nonce(): string {
    return this.#guard.nonce()
  }

  /** Counts what comes of a call. */
  async counted<T>(what: string, run: () => Promise<T>): Promise<T> {
    try {
      const result = await run()
      this.#count(what, 'ok')
      return result
    } catch (thrown) {
      this.#count(what, thrown instanceof OAuthError ? thrown.error : 'failed')
      throw thrown
    }
  }

  /** Takes in what an app will ask an account's owner. Throws OAuthError. */
  async push(request: HttpRequest, fields: Fields) {
    const proof = this.#proof(request, '/oauth/par')
    const { client, clientKey } = await this.#caller(fields)
    const params = readParams(fields, client.metadata)
    if ((fields.get('dpop_jkt') ?? proof.jkt) !== proof.jkt)
      throw new OAuthError('invalid_request', 'dpop_jkt is of another key than the proof')
    await this.#sets.of(params.scope)
    const { clientId } = client.metadata
    const pushed = await this.#requests.push({ clientId, params, jkt: proof.jkt, clientKey })
    return { request_uri: pushed.requestUri, expires_in: pushed.expiresInS }
  }

  /** Gives tokens for a code or a refresh token. Throws OAuthError. */
  async token(request: HttpRequest, fields: Fields) {
    const proof = this.#proof(request, '/oauth/token')
    const caller = await this.#caller(fields)
    const grantType = fields.get('grant_type')
    if (grantType === 'authorization_code')
      return answerOf(await this.#exchange(fields, caller, proof))
    if (grantType !== 'refresh_token')
      throw new OAuthError(
        'unsupported_grant_type',
        'grant_type must be authorization_code or refresh_token',
      )
    const { clientId } = caller.client.metadata
    const by = { clientId, jkt: proof.jkt, clientKey: caller.clientKey }
    const resolve = (scope: string) => this.#sets.resolve(scope)
    const token = fields.get('refresh_token') ?? ''
    const named = await this.#sessions.named(token)
    if (named) await this.#requireOpen(await this.#accounts.get(named.did))
    return answerOf(await this.#sessions.refresh(token, by, resolve))
  }

  /** The session stays: it is renewed once its owner has set up what is asked for. */
  async #requireOpen(account: Account | undefined): Promise<void> {
    if (account && (await this.#isHeld(account)))
      throw invalidGrant('The host asks the owner for a second factor first')
  }

  async #exchange(fields: Fields, caller: AppCaller, proof: DpopProof): Promise<TokenSet> {
    const code = fields.get('code') ?? ''
    const granted = await this.#requests.byCode(code)
    const { metadata } = caller.client
    // A code in the hands of another app tells nothing about the one it was made for.
    if (!granted || granted.clientId !== metadata.clientId) throw invalidGrant('Unknown code')
    if (granted.sessionId !== undefined) {
      await this.#sessions.end(granted.sessionId)
      throw invalidGrant('The code was used before')
    }
    if (granted.isOver) throw invalidGrant('The code is over')
    if (fields.get('redirect_uri') !== granted.params.redirectUri)
      throw invalidGrant('redirect_uri is another than in the request')
    if (granted.jkt !== proof.jkt) throw invalidGrant('The code is bound to another DPoP key')
    if (granted.clientKey?.jkt !== caller.clientKey?.jkt)
      throw invalidGrant('The client proved itself by another key than in the request')
    const verifier = fields.get('code_verifier') ?? ''
    if (
      !/^[\w.~-]{43,128}$/.test(verifier) ||
      challengeOf(verifier) !== granted.params.codeChallenge
    )
      throw invalidGrant('code_verifier does not fit the code_challenge')
    const account = await this.#accounts.get(granted.did)
    if (!account || isHeldBack(account)) throw invalidGrant('The account is not here')
    await this.#requireOpen(account)
    const permissions = await this.#sets.resolve(granted.scope)
    const id = this.#sessions.newId()
    return this.#sql.transaction(async (sql) => {
      if (!(await this.#requests.useCode(sql, code, granted.params.codeChallenge, id)))
        throw invalidGrant('The code was used before')
      return this.#sessions.begin(sql, {
        id,
        did: granted.did,
        clientId: metadata.clientId,
        clientName: metadata.name,
        clientKey: caller.clientKey,
        jkt: proof.jkt,
        scope: granted.scope,
        permissions,
        mayRefresh: metadata.mayRefresh,
      })
    })
  }

  /** Ends the session that a token belongs to, if it is the app's own. Throws invalid_client. */
  async revoke(fields: Fields): Promise<void> {
    const { client } = await this.#caller(fields)
    const session = await this.#sessions.named(fields.get('token') ?? '')
    if (session?.clientId === client.metadata.clientId) await this.#sessions.end(session.id)
  }

  /** The app that calls. Throws invalid_client, invalid_client_metadata. */
  async #caller(fields: Fields): Promise<AppCaller> {
    const clientId = fields.get('client_id')
    if (!clientId) throw new OAuthError('invalid_request', 'client_id is missing')
    const client = await this.#clients.get(clientId)
    const type = fields.get('client_assertion_type')
    const assertion = fields.get('client_assertion')
    if (!client.metadata.isConfidential) {
      if (assertion !== undefined || fields.has('client_secret'))
        throw new OAuthError('invalid_client', 'The client declares no way to prove itself')
      return { client, clientKey: undefined }
    }
    if (type !== assertionType || !assertion)
      throw new OAuthError('invalid_client', `client_assertion_type must be ${assertionType}`)
    return { client, clientKey: this.#assertedKey(clientId, client, assertion) }
  }

  #assertedKey(clientId: string, { keys }: Client, assertion: string): ClientKey {
    try {
      const checks = { clientId, issuer: this.issuer, keys, nowMs: this.#now() }
      const { kid, alg, jkt, jti, expiresMs, issuedMs } = verifyClientAssertion(assertion, checks)
      // What was taken before the host started is forgotten.
      if (issuedMs + 1_000 < this.#startedMs)
        throw new ClientError('The client assertion is older than this server: make a new one')
      this.#takeAssertion(`${clientId} ${jti}`, expiresMs)
      return { kid, alg, jkt }
    } catch (thrown) {
      if (!(thrown instanceof ClientError)) throw thrown
      throw new OAuthError('invalid_client', thrown.message)
    }
  }

  #takeAssertion(name: string, expiresMs: number): void {
    const nowMs = this.#now()
    if ((this.#assertions.get(name) ?? 0) > nowMs)
      throw new ClientError('The client assertion was used before')
    // In order of their coming, which is nearly that of their end.
    for (const [one, untilMs] of this.#assertions) {
      if (untilMs > nowMs) break
      this.#assertions.delete(one)
    }
    if (this.#assertions.size >= ASSERTIONS_MAX)
      throw new OAuthError('temporarily_unavailable', 'Too many client assertions at once')
    this.#assertions.set(name, expiresMs)
  }

  /** The proof of a call of an endpoint. Throws use_dpop_nonce, invalid_dpop_proof. */
  #proof({ headers, method }: HttpRequest, path: string): DpopProof {
    const checks = { method, url: this.issuer + path, accessToken: undefined }
    return this.#taken(headers.dpop, checks)
  }

  #taken(header: string | undefined, checks: DpopChecks): DpopProof {
    if (!header) throw new OAuthError('invalid_dpop_proof', 'A DPoP proof is needed')
    let proof: DpopProof
    try {
      proof = this.#readProof(header, checks)
    } catch (thrown) {
      if (!(thrown instanceof DpopError)) throw thrown
      throw new OAuthError('invalid_dpop_proof', thrown.message)
    }
    const outcome = this.#guard.take(proof)
    if (outcome === 'stale')
      throw new OAuthError('use_dpop_nonce', 'A DPoP proof needs the nonce of this server')
    if (outcome === 'replayed')
      throw new OAuthError('invalid_dpop_proof', 'The DPoP proof was used before')
    return proof
  }

  /**
   * The account and the permissions of an app that calls a method, by its access token and proof.
   * Throws 401 InvalidToken, use_dpop_nonce, invalid_dpop_proof, each with `www-authenticate`.
   */
  async authenticate(request: HttpRequest): Promise<{ did: Did; permissions: Permissions }> {
    const given = parseAuthorization(request.headers.authorization)
    const token = given?.kind === 'dpop' ? given.token : ''
    const session = await this.#sessions.byAccessToken(token)
    if (!session) throw refused('invalid_token', 'The access token is over, or was never given')
    try {
      const url = this.issuer + request.path
      const checks = { method: request.method, url, accessToken: token }
      this.#requireKey(session, this.#taken(request.headers.dpop, checks))
    } catch (thrown) {
      if (!(thrown instanceof OAuthError)) throw thrown
      throw refused(thrown.error, thrown.message)
    }
    return { did: session.did, permissions: session.permissions }
  }

  #requireKey({ jkt }: AppSession, proof: DpopProof): void {
    if (jkt !== proof.jkt)
      throw new OAuthError('invalid_dpop_proof', 'The access token is bound to another DPoP key')
  }
}

const xrpcNames: Readonly<Record<string, string>> = { invalid_token: 'InvalidToken' }

function refused(error: string, message: string): XrpcError {
  const description = message.replaceAll('"', "'")
  const challenge = `DPoP algs="ES256 ES256K", error="${error}", error_description="${description}"`
  return new XrpcError(401, xrpcNames[error] ?? error, message, {
    headers: { 'www-authenticate': challenge },
  })
}

const invalidGrant = (message: string) => new OAuthError('invalid_grant', message)

const challengeOf = (verifier: string) => base64url(sha256(new TextEncoder().encode(verifier)))

function answerOf({ accessToken, refreshToken, expiresInS, scope, did }: TokenSet) {
  return {
    access_token: accessToken,
    token_type: 'DPoP',
    expires_in: expiresInS,
    ...(refreshToken !== undefined && { refresh_token: refreshToken }),
    scope,
    sub: did,
  }
}
