import { type Fetch, OutgoingError } from '#platform/runtime'
import { signServiceAuth } from '#protocol/auth'
import { base32 } from '#protocol/crypto'
import { type Directory, identityOf } from '#protocol/identity'
import type { Did } from '#protocol/syntax'
import { type Auth, type HttpRequest, type HttpResponse, XrpcError } from '#protocol/xrpc'
import { type AccountCaller, isPrivileged, requirePrivileged } from '../sign-in/index.ts'
import { FEED_SKELETON, FeedAudience } from './feed-audience.ts'

/** A service and where it is: `did:web:view.example#bsky_appview`. */
export interface ProxyTarget {
  did: Did
  url: string
}

const TIMEOUT_MS = 30_000
/** A service that has not begun to answer by then is as good as away; a person is waiting. */
const HEADERS_TIMEOUT_MS = 10_000
const RESPONSE_BYTES_MAX = 50_000_000
const REQUEST_HEADERS = [
  'accept-language',
  'atproto-accept-labelers',
  'content-type',
  'content-encoding',
]
const RESPONSE_HEADERS = [
  'content-type',
  'content-language',
  'atproto-repo-rev',
  'atproto-content-labelers',
  'retry-after',
  'cache-control',
]
/** Never on somebody else's behalf, whatever the header asks for. */
const KEPT_HERE = /^com\.atproto\.(server|repo|sync|identity|admin|temp)\./

/**
 * Passes calls on to other services in the account's name: to the one that `atproto-proxy` names,
 * else by the method's namespace. Bodies are streamed both ways; the other service sees a token
 * for this account and this method only. https://atproto.com/specs/xrpc#service-proxying
 */
export class ServiceProxy {
  readonly #authorize: Auth<AccountCaller>
  readonly #directory: Directory
  readonly #fetch: Fetch
  readonly #default: (nsid: string) => ProxyTarget | undefined
  readonly #feeds: FeedAudience
  readonly #now: () => number
  readonly #random: (byteCount: number) => Uint8Array

  constructor(options: {
    authorize: Auth<AccountCaller>
    directory: Directory
    fetch: Fetch
    /** Where a method goes that names no service. */
    target: (nsid: string) => ProxyTarget | undefined
    now: () => number
    random: (byteCount: number) => Uint8Array
  }) {
    this.#authorize = options.authorize
    this.#directory = options.directory
    this.#fetch = options.fetch
    this.#default = options.target
    this.#now = options.now
    this.#feeds = new FeedAudience(options)
    this.#random = options.random
  }

  /** Throws MethodNotImplemented without a target, UpstreamFailure (502) or UpstreamTimeout (504) naming the host. */
  async forward(request: HttpRequest, nsid: string): Promise<HttpResponse> {
    const target = await this.#target(request.headers['atproto-proxy'], nsid)
    if (!target) throw new XrpcError(501, 'MethodNotImplemented', `Method not implemented: ${nsid}`)
    const caller = await this.#authorize(request, nsid)
    if (isPrivileged(nsid)) requirePrivileged(caller, nsid)
    const { account } = caller
    const token = signServiceAuth({
      iss: account.did,
      ...(await this.#purpose(target, request, nsid)),
      nowMs: this.#now(),
      jti: base32(this.#random(16)),
      key: account.signingKey,
    })
    return this.#call(target, request, token)
  }

  /** Whom the token is for, and for what: of a feed, its maker. */
  async #purpose({ did }: ProxyTarget, { query }: HttpRequest, nsid: string) {
    const feed = nsid === 'app.bsky.feed.getFeed' && new URLSearchParams(query).get('feed')
    if (!feed) return { aud: did, lxm: nsid }
    return { aud: await this.#feeds.makerOf(feed), lxm: FEED_SKELETON }
  }

  async #target(header: string | undefined, nsid: string): Promise<ProxyTarget | undefined> {
    if (header && !KEPT_HERE.test(nsid)) return this.#named(header)
    return this.#default(nsid)
  }

  async #named(header: string): Promise<ProxyTarget> {
    const [did, id, ...rest] = header.trim().split('#')
    if (!did?.startsWith('did:') || !id || rest.length > 0) {
      throw new XrpcError(400, 'InvalidRequest', 'atproto-proxy must be a DID with a service id')
    }
    const document = await this.#directory.document(did as Did)
    const url = document && identityOf(document).service(id)
    if (!url) throw new XrpcError(400, 'InvalidRequest', `No service ${id} at ${did}`)
    return { did: did as Did, url }
  }

  async #call(target: ProxyTarget, request: HttpRequest, token: string): Promise<HttpResponse> {
    const headers: Record<string, string> = { authorization: `Bearer ${token}` }
    for (const name of REQUEST_HEADERS) {
      const value = request.headers[name]
      if (value !== undefined) headers[name] = value
    }
    const query = request.query ? `?${request.query}` : ''
    let response: Response
    try {
      response = await this.#fetch(`${target.url}${request.path}${query}`, {
        method: request.method,
        headers,
        signal: request.signal,
        redirect: 'error',
        timeoutMs: TIMEOUT_MS,
        headersTimeoutMs: HEADERS_TIMEOUT_MS,
        maxResponseBytes: RESPONSE_BYTES_MAX,
        ...bodyOf(request),
      })
    } catch (cause) {
      throw unanswered(target.url, cause)
    }
    return passed(response)
  }
}

/** Names the host that is missing, so that a client can say which layer that is. */
function unanswered(url: string, cause: unknown): XrpcError {
  const { host } = new URL(url)
  if (cause instanceof OutgoingError && cause.code === 'Timeout')
    return new XrpcError(504, 'UpstreamTimeout', `No answer from ${host} in time`, { cause })
  return new XrpcError(502, 'UpstreamFailure', `No answer from ${host}`, { cause })
}

function bodyOf(request: HttpRequest): RequestInit {
  if (request.method !== 'POST' || request.body === undefined) return {}
  if (request.body instanceof Uint8Array) return { body: request.body as Uint8Array<ArrayBuffer> }
  return { body: request.body, duplex: 'half' } as unknown as RequestInit
}

function passed(response: Response): HttpResponse {
  const headers: Record<string, string> = { 'access-control-allow-origin': '*' }
  for (const name of RESPONSE_HEADERS) {
    const value = response.headers.get(name)
    if (value !== null) headers[name] = value
  }
  const body = response.body as unknown as AsyncIterable<Uint8Array> | null
  return { status: response.status, headers, body: body ?? undefined }
}
