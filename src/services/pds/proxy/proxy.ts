import type { Fetch } from '#platform/runtime'
import { type Permissions, signServiceAuth } from '#protocol/auth'
import { base32 } from '#protocol/crypto'
import type { Directory } from '#protocol/identity'
import type { Did } from '#protocol/syntax'
import {
  type Auth,
  formatParams,
  type HttpRequest,
  type HttpResponse,
  invalidRequest,
  type RawOutput,
  XrpcError,
} from '#protocol/xrpc'
import type { Account } from '../accounts/index.ts'
import type { Ask, OwnWrites } from '../read-after-write/index.ts'
import { type AccountCaller, isPrivileged, requirePrivileged } from '../sign-in/index.ts'
import { FEED_SKELETON, FeedAudience } from './feed-audience.ts'
import type { ProxyTarget, Targets } from './targets.ts'
import {
  callUpstream,
  isJson,
  parseBytes,
  passed,
  passedHeaders,
  readBytes,
  readJson,
} from './upstream.ts'

/** Never on somebody else's behalf, whatever the header asks for. */
const KEPT_HERE =
  /^com\.atproto\.(server\.|repo\.|admin\.(?!searchAccounts$)|identity\.(?!resolve|refresh))/i
/** Answered here, unless the header names another service than those this host is set up with. */
const ELSEWHERE_ON_REQUEST = new Set([
  'app.bsky.actor.getPreferences',
  'app.bsky.actor.putPreferences',
])
/** Of the moderators' tools that were named when there was one service. */
const ALWAYS_ON_REQUEST = 'com.atproto.admin.searchAccounts'

const FEED = 'app.bsky.feed.getFeed'
const REPORT = 'com.atproto.moderation.createReport'

/** A page of views. */
const VIEWS_BYTES_MAX = 10_000_000
const ASK_MS = 5_000

/**
 * Passes calls on to other services in the account's name: to the one that `atproto-proxy` names,
 * else by the method's name. Bodies are streamed both ways; the other service sees a token for this
 * account and this method only. Into views of the app view that are older than the account's
 * repository, its own newest writes are put. https://atproto.com/specs/xrpc#service-proxying
 */
export class ServiceProxy {
  readonly #authorize: Auth<AccountCaller>
  readonly #authorizeReport: Auth<AccountCaller>
  readonly #fetch: Fetch
  readonly #targets: Targets
  readonly #feeds: FeedAudience
  readonly #ownWrites: OwnWrites
  readonly #onPrivateChange: (did: Did) => void
  readonly #now: () => number
  readonly #random: (byteCount: number) => Uint8Array

  constructor(options: {
    authorize: Auth<AccountCaller>
    /** Who may report: also the owner of an account that was taken down, as they may appeal. */
    authorizeReport: Auth<AccountCaller>
    directory: Directory
    fetch: Fetch
    targets: Targets
    ownWrites: OwnWrites
    /** Told when an account changed what an app view alone knows of it. */
    onPrivateChange?: (did: Did) => void
    now: () => number
    random: (byteCount: number) => Uint8Array
  }) {
    this.#authorize = options.authorize
    this.#authorizeReport = options.authorizeReport
    this.#fetch = options.fetch
    this.#targets = options.targets
    this.#feeds = new FeedAudience(options)
    this.#ownWrites = options.ownWrites
    this.#onPrivateChange = options.onPrivateChange ?? (() => {})
    this.#now = options.now
    this.#random = options.random
  }

  /** Whether a method that this host answers is asked of another service. */
  intercepts(nsid: string, header: string): boolean {
    if (nsid === ALWAYS_ON_REQUEST) return true
    return ELSEWHERE_ON_REQUEST.has(nsid) && !this.#targets.isOwnView(header)
  }

  /**
   * Throws MethodNotImplemented without a target; UpstreamFailure (502) or UpstreamTimeout (504)
   * naming the host; UnknownFeed.
   */
  async forward(request: HttpRequest, nsid: string): Promise<HttpResponse> {
    const header = KEPT_HERE.test(nsid) ? undefined : request.headers['atproto-proxy']
    const byMethod = header === undefined ? this.#targets.byMethod(nsid) : undefined
    if (header === undefined && !byMethod) throw notImplemented(nsid)
    refuseVerb(request.method)
    // Nobody's header makes this host ask around for services: first comes who is asking.
    const authorize = nsid === REPORT ? this.#authorizeReport : this.#authorize
    const caller = await authorize(request, nsid)
    if (caller.permissions) this.#requireFor(caller.permissions, request, nsid)
    else if (isPrivileged(nsid)) requirePrivileged(caller, nsid)
    const target = byMethod ?? (await this.#targets.byHeader(header!))
    const { account } = caller
    const token = this.#token(account, await this.#purpose(target, request, nsid))
    const isCompleted = request.method === 'GET' && this.#ownWrites.covers(nsid)
    const wished = request.headers['accept-encoding'] ?? 'identity'
    // What may have to be read here comes in a form that can be read here.
    const accept = isCompleted ? (/\bgzip\b/.test(wished) ? 'gzip' : 'identity') : wished
    const response = await callUpstream(this.#fetch, target, request, { nsid, token, accept })
    if (request.method === 'POST' && response.ok && nsid.startsWith('app.bsky.'))
      this.#onPrivateChange(account.did)
    if (!isCompleted) return passed(response, target)
    return this.#completed(request, nsid, account, target, response)
  }

  /** Throws ScopeMissingError when an app may not make this call of that service. */
  #requireFor(permissions: Permissions, request: HttpRequest, nsid: string): void {
    const audience = this.audience(request, nsid)
    permissions.requireRpc(nsid, audience)
    if (nsid === FEED) permissions.requireRpc(FEED_SKELETON, audience)
  }

  /** Whom a call is for, as permissions name services: a DID with a service id. */
  audience({ headers }: HttpRequest, nsid: string): string {
    return headers['atproto-proxy']?.trim() ?? this.#targets.reference(nsid) ?? ''
  }

  #token(account: Account, { aud, lxm }: { aud: Did; lxm: string }): string {
    return signServiceAuth({
      iss: account.did,
      aud,
      lxm,
      nowMs: this.#now(),
      jti: base32(this.#random(16)),
      key: account.signingKey,
    })
  }

  /** Whom the token is for, and for what: of a feed, its maker. */
  async #purpose({ did }: ProxyTarget, { query }: HttpRequest, nsid: string) {
    const feed = nsid === FEED && new URLSearchParams(query).get('feed')
    if (!feed) return { aud: did, lxm: nsid }
    return { aud: await this.#feeds.makerOf(feed), lxm: FEED_SKELETON }
  }

  /** With the account's own writes, when the view is older than they are. */
  async #completed(
    request: HttpRequest,
    nsid: string,
    account: Account,
    target: ProxyTarget,
    response: Response,
  ): Promise<HttpResponse> {
    const rev = response.headers.get('atproto-repo-rev')
    const { status } = response
    const newer = rev && isJson(response) && this.#ownWrites.newer(account, nsid, { rev, status })
    if (!newer) return passed(response, target)
    const bytes = await readBytes(response, VIEWS_BYTES_MAX)
    if (!bytes) {
      const { host } = new URL(target.url)
      throw new XrpcError(502, 'UpstreamFailure', `${host} broke off its answer`)
    }
    const params = new URLSearchParams(request.query)
    const ask = this.#asker(account, target, request)
    const view = await newer.complete(parseBytes(bytes), { params, status, ask })
    const { 'content-encoding': _, 'content-length': __, ...headers } = passedHeaders(response)
    if (view === undefined) return { status, headers, body: bytes }
    headers['atproto-upstream-lag'] = String(newer.lagMs)
    return { status: 200, headers, body: JSON.stringify(view) }
  }

  /** Asks the same service for what the account's own writes refer to. */
  #asker(account: Account, target: ProxyTarget, request: HttpRequest): Ask {
    return async (nsid, params) => {
      const token = this.#token(account, { aud: target.did, lxm: nsid })
      const labelers = request.headers['atproto-accept-labelers']
      try {
        const url = `${target.url}/xrpc/${nsid}?${formatParams(params)}`
        const response = await this.#fetch(url, {
          headers: {
            authorization: `Bearer ${token}`,
            ...(labelers !== undefined && { 'atproto-accept-labelers': labelers }),
          },
          signal: request.signal,
          redirect: 'error',
          timeoutMs: ASK_MS,
          maxResponseBytes: VIEWS_BYTES_MAX,
        })
        if (response.status === 200) return await readJson(response, VIEWS_BYTES_MAX)
        await response.body?.cancel()
      } catch {
        // The view is shown without what could not be had.
      }
      return undefined
    }
  }

  /** Asks the service that a method belongs to in an account's name. Undefined when it gives no answer. */
  async inNameOf(
    account: Account,
    nsid: string,
    params: Record<string, unknown>,
  ): Promise<unknown> {
    const target = this.#targets.byMethod(nsid)
    if (!target) return undefined
    const token = this.#token(account, { aud: target.did, lxm: nsid })
    try {
      const response = await this.#fetch(`${target.url}/xrpc/${nsid}?${formatParams(params)}`, {
        headers: { authorization: `Bearer ${token}` },
        redirect: 'error',
        timeoutMs: ASK_MS,
        maxResponseBytes: VIEWS_BYTES_MAX,
      })
      if (response.status === 200) return await readJson(response, VIEWS_BYTES_MAX)
      await response.body?.cancel()
    } catch {
      // It is left out, and said to be.
    }
    return undefined
  }

  /**
   * Passes a method's input on to the notification service it names, or to the app view. Throws
   * InvalidRequest, UpstreamFailure, UpstreamTimeout, and what the service refuses.
   */
  async toNotifications(
    { account, permissions }: AccountCaller,
    request: HttpRequest,
    nsid: string,
    input: { serviceDid: string },
  ): Promise<void> {
    permissions?.requireRpc(nsid, `${input.serviceDid}#bsky_notif`)
    const did = input.serviceDid as Did
    const { appview } = this.#targets
    const target = appview?.did === did ? appview : await this.#targets.byDid(did, 'bsky_notif')
    const token = this.#token(account, { aud: did, lxm: nsid })
    const body = new TextEncoder().encode(JSON.stringify(input))
    const { method, path, ip, id, signal } = request
    const headers = { 'content-type': 'application/json' }
    const call: HttpRequest = { method, path, query: '', headers, body, ip, id, signal }
    const options = { nsid, token, accept: 'identity' }
    const response = await callUpstream(this.#fetch, target, call, options)
    await requireOk(response, target)
  }

  /** What the app view has of a repository that is not here. Undefined when it cannot say. */
  async fromAppview(request: HttpRequest, nsid: string): Promise<RawOutput | undefined> {
    const target = this.#targets.appview
    if (!target) return undefined
    const options = { nsid, token: undefined, accept: 'identity' }
    const response = await callUpstream(this.#fetch, target, request, options)
    if (response.status === 501 || response.status === 404) {
      await response.body?.cancel()
      return undefined
    }
    const { headers, body } = await requireOk(response, target)
    return { encoding: headers?.['content-type'] ?? 'application/json', body: body!, headers }
  }
}

/** The answer, or what it refuses as an error. */
async function requireOk(response: Response, target: ProxyTarget): Promise<HttpResponse> {
  if (response.status < 400) return passed(response, target)
  if (response.status === 500 || !isJson(response)) return passed(response, target)
  const { error, message } = ((await readJson(response, 100_000)) ?? {}) as Record<string, string>
  throw new XrpcError(response.status, error ?? 'InvalidRequest', message)
}

function refuseVerb(method: string): void {
  if (method === 'GET' || method === 'HEAD' || method === 'POST') return
  throw invalidRequest('XRPC requests only supports GET and POST')
}

const notImplemented = (nsid: string) =>
  new XrpcError(501, 'MethodNotImplemented', `Method not implemented: ${nsid}`)
