import type { Fetch, Metrics } from '#platform/runtime'
import type { Sql } from '#platform/storage'
import type { Directory } from '#protocol/identity'
import type { Did } from '#protocol/syntax'
import type { HttpRequest, HttpResponse } from '#protocol/xrpc'
import type { Account, Accounts } from '../accounts/index.ts'
import { AppSessions, type AuthorizedApp } from './app-sessions.ts'
import { Clients } from './clients.ts'
import { PermissionSets } from './permission-sets.ts'
import { Requests } from './requests.ts'
import { AuthorizationServer } from './server.ts'
import { Tokens } from './tokens.ts'

/** The parts of the authorization server, put together. */
export class OAuth {
  readonly clients: Clients
  readonly requests: Requests
  readonly sessions: AppSessions
  readonly sets: PermissionSets
  readonly server: AuthorizationServer

  readonly #trusted: ReadonlySet<string>

  constructor(options: {
    /** Where the host is reached, without a trailing slash. */
    issuer: string
    /** 32 bytes: what tokens are derived from. */
    secret: Uint8Array
    sql: Sql
    fetch: Fetch
    directory: Directory
    resolveTxt: (name: string) => Promise<string[]>
    accounts: Accounts
    isHeld: (account: Account) => Promise<boolean>
    /** Apps by address whose own names may be shown. */
    trusted: readonly string[]
    metrics: Metrics
    now: () => number
    random: (byteCount: number) => Uint8Array
  }) {
    this.#trusted = new Set(options.trusted)
    this.clients = new Clients(options)
    this.requests = new Requests(options)
    this.sessions = new AppSessions({ ...options, tokens: new Tokens(options.secret) })
    this.sets = new PermissionSets(options)
    const { clients, requests, sessions, sets } = this
    this.server = new AuthorizationServer({ ...options, clients, requests, sessions, sets })
  }

  /** Whether an app's own name may be shown: anybody can claim one. */
  isTrusted(clientId: string): boolean {
    return this.#trusted.has(clientId)
  }

  /** The apps that may act for an account, those used last first. */
  listAuthorizedApps(did: Did): Promise<AuthorizedApp[]> {
    return this.sessions.list(did)
  }

  /** Ends a session of an app, if it is this account's: its tokens open nothing from now on. */
  async revokeApp(did: Did, sessionId: string): Promise<boolean> {
    const session = await this.sessions.get(sessionId)
    if (session?.did !== did) return false
    await this.sessions.end(sessionId)
    return true
  }

  /** Ends every session of an account's apps. */
  revokeAllApps(did: Did): Promise<void> {
    return this.sessions.endAll(did)
  }

  /** Says in the answer to a call with a proof what the next one has to say. */
  withNonce({ headers }: HttpRequest, response: HttpResponse): HttpResponse {
    const isProven = headers.dpop !== undefined || /^dpop /i.test(headers.authorization ?? '')
    if (!isProven) return response
    return { ...response, headers: { ...response.headers, 'dpop-nonce': this.server.nonce() } }
  }

  async deleteExpired(): Promise<void> {
    await this.requests.deleteExpired()
    await this.sessions.deleteExpired()
    await this.sets.deleteExpired()
  }
}
