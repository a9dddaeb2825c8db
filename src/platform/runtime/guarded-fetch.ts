/**
 * `fetch` for talking to strangers: only http and https, only allowed addresses (checked on the
 * address connected to, at every hop), bounded redirects, time and size.
 */
import type { Agent, RequestInit as UndiciInit } from 'undici'
import {
  type AddressGuard,
  type AddressRules,
  addressGuard,
  checkLiteral,
  guardedLookup,
} from './addresses.ts'
import { isAddress } from './is-address.ts'
import { OutgoingError } from './outgoing-error.ts'
import type { Fetch, FetchInit } from './shapes.ts'

export interface FetchLimits {
  maxResponseBytes: number
  timeoutMs: number
  headersTimeoutMs: number
  /** How long not one byte may pass, in place of both limits above; zero: those hold. */
  silenceMs: number
  connectTimeoutMs: number
  maxRedirects: number
  /** Connections kept per host. */
  connectionsPerHost: number
}

const LIMITS: FetchLimits = {
  maxResponseBytes: 64 * 1024 * 1024,
  timeoutMs: 60_000,
  headersTimeoutMs: 20_000,
  silenceMs: 0,
  connectTimeoutMs: 5_000,
  maxRedirects: 4,
  connectionsPerHost: 64,
}

export interface GuardedFetchOptions extends AddressRules {
  limits?: Partial<FetchLimits>
  /** Sent when the caller names none. */
  userAgent?: string
}

/** A guarded fetch and the way to drop its connections. */
export function guardedFetch(options: GuardedFetchOptions = {}): {
  fetch: Fetch
  close(): Promise<void>
} {
  const limits = { ...LIMITS, ...options.limits }
  const allowed = addressGuard(options)
  let started: Promise<Started> | undefined
  const start = () => (started ??= startUndici(allowed, limits))
  const fetch: Fetch = async (input, init = {}) => {
    const request = isAddress(input) ? undefined : input
    const url = parseUrl(isAddress(input) ? input : input.url)
    const merged: FetchInit = request ? { ...initOf(request), ...init } : init
    const undici = await start()
    return new Exchange(undici, allowed, limits, options.userAgent ?? 'falaj', merged).run(url)
  }
  return {
    fetch,
    close: async () => void (await (await started)?.agent.destroy()),
  }
}

interface Started {
  agent: Agent
  fetch: typeof import('undici').fetch
  request: typeof import('undici').request
}

/** Loaded at the first call: it costs more to load than the rest of a small service. */
async function startUndici(allowed: AddressGuard, limits: FetchLimits): Promise<Started> {
  const { Agent, buildConnector, fetch, request } = await import('undici')
  const connect = buildConnector({
    timeout: limits.connectTimeoutMs,
    lookup: guardedLookup(allowed),
    allowH2: false,
  } as Parameters<typeof buildConnector>[0])
  const agent = new Agent({
    connections: limits.connectionsPerHost,
    headersTimeout: 0, // both measured here, over the whole exchange
    bodyTimeout: 0,
    connect(target, callback) {
      try {
        checkLiteral(target.hostname, allowed)
      } catch (error) {
        return callback(error as Error, null)
      }
      connect(target, callback)
    },
  })
  return { agent, fetch, request }
}

function initOf(request: Request): FetchInit {
  const { method, headers, body, signal, redirect } = request
  return { method, headers, body, signal, redirect }
}

/** Throws OutgoingError UnsupportedUrl unless http(s), without credentials. */
export function parseUrl(input: string | URL): URL {
  let url: URL
  try {
    url = new URL(input)
  } catch (cause) {
    throw new OutgoingError('UnsupportedUrl', '', 'not a URL', { cause })
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw new OutgoingError('UnsupportedUrl', url.host, `cannot fetch ${url.protocol} URLs`)
  if (url.username || url.password)
    throw new OutgoingError('UnsupportedUrl', url.host, 'URL carries credentials')
  return url
}

const REDIRECTS = new Set([301, 302, 303, 307, 308])
const NULL_BODY = new Set([101, 103, 204, 205, 304])
/** Not handed to another origin after a redirect. */
const PRIVATE_HEADERS = ['authorization', 'cookie', 'proxy-authorization', 'dpop']

/** One call with its redirects, deadline and size limit. */
class Exchange {
  private readonly abort = new AbortController()
  private whole: NodeJS.Timeout | undefined
  private waiting: NodeJS.Timeout | undefined
  private readonly undici: Started
  private readonly allowed: AddressGuard
  private readonly limits: FetchLimits
  private readonly init: FetchInit
  private readonly headers: Headers
  private host = ''
  private onCallerAbort: (() => void) | undefined
  private readonly silenceMs: number

  constructor(
    undici: Started,
    allowed: AddressGuard,
    limits: FetchLimits,
    userAgent: string,
    init: FetchInit,
  ) {
    this.undici = undici
    this.allowed = allowed
    this.limits = limits
    this.init = init
    this.silenceMs = init.silenceMs ?? limits.silenceMs
    this.headers = new Headers(init.headers)
    if (!this.headers.has('user-agent')) this.headers.set('user-agent', userAgent)
  }

  async run(url: URL): Promise<Response> {
    const { signal } = this.init
    signal?.throwIfAborted()
    if (signal) {
      this.onCallerAbort = () => this.abort.abort(signal.reason)
      signal.addEventListener('abort', this.onCallerAbort, { once: true })
    }
    this.limitTime()
    try {
      const response = await this.follow(url)
      clearTimeout(this.waiting)
      return this.bounded(response)
    } catch (error) {
      this.end()
      throw this.explain(error)
    }
  }

  /** By silence, or by the whole exchange and its headers. */
  private limitTime(): void {
    if (this.silenceMs > 0) {
      this.listen()
      return
    }
    this.whole = this.deadline(this.init.timeoutMs ?? this.limits.timeoutMs, 'no complete answer')
    const headersMs = this.init.headersTimeoutMs ?? this.limits.headersTimeoutMs
    this.waiting = this.deadline(headersMs, 'no answer')
  }

  /** From now on the other side has to move a byte; while it has nothing to do, nobody listens. */
  private listen(): void {
    if (this.silenceMs === 0) return
    clearTimeout(this.waiting)
    this.waiting = this.deadline(this.silenceMs, 'not a byte')
  }

  private deadline(ms: number, what: string): NodeJS.Timeout {
    const timer = setTimeout(() => {
      const message = `${what} from ${this.host} within ${ms} ms`
      this.abort.abort(new OutgoingError('Timeout', this.host, message))
    }, ms)
    timer.unref() // a body that nobody reads holds no process up
    return timer
  }

  private async follow(start: URL): Promise<Response> {
    let url = start
    let method = this.init.method ?? 'GET'
    let body = this.init.body
    const redirect = this.init.redirect ?? 'follow'
    for (let hops = this.init.maxRedirects ?? this.limits.maxRedirects; ; hops--) {
      this.host = url.host
      checkLiteral(url.hostname, this.allowed)
      const response = await this.once(url, method, body)
      const location = REDIRECTS.has(response.status) ? response.headers.get('location') : null
      if (location === null || redirect === 'manual') return response
      await response.body?.cancel()
      if (redirect === 'error' || hops <= 0)
        throw new OutgoingError('TooManyRedirects', url.host, `${url.host} redirects too often`)
      const next = parseUrl(new URL(location, url))
      const becomesGet = response.status === 303 || (response.status < 303 && method === 'POST')
      if (becomesGet) {
        method = method === 'HEAD' ? 'HEAD' : 'GET'
        body = undefined
        for (const name of ['content-type', 'content-length', 'content-encoding'])
          this.headers.delete(name)
      } else if (body !== undefined && body !== null && isStream(body)) {
        throw new OutgoingError('Refused', url.host, `${url.host} redirects a streamed request`)
      }
      if (next.origin !== url.origin) for (const name of PRIVATE_HEADERS) this.headers.delete(name)
      url = next
    }
  }

  private async once(url: URL, method: string, given: BodyInit | null | undefined) {
    const isHeard = this.silenceMs > 0 && given && isStream(given)
    const body = isHeard ? (this.heard(given) as unknown as BodyInit) : given
    if (this.init.packed) return this.oncePacked(url, method, body)
    const init: UndiciInit = {
      method,
      headers: this.headers as unknown as UndiciInit['headers'],
      body: body as UndiciInit['body'],
      redirect: 'manual',
      signal: this.abort.signal,
      dispatcher: this.undici.agent,
    }
    if (body !== undefined && body !== null && isStream(body)) init.duplex = 'half'
    return (await this.undici.fetch(url, init)) as unknown as Response
  }

  /** The same body; whoever takes a piece is not silent. */
  private async *heard(body: BodyInit): AsyncGenerator<Uint8Array> {
    clearTimeout(this.waiting)
    for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
      this.listen()
      yield chunk
      clearTimeout(this.waiting)
    }
    this.listen()
  }

  /** Below the client library's `fetch`, which unpacks whatever comes. */
  private async oncePacked(url: URL, method: string, body: BodyInit | null | undefined) {
    const answer = await this.undici.request(url, {
      method: method as 'GET',
      headers: Object.fromEntries(this.headers),
      body: (body ?? null) as Uint8Array | null,
      signal: this.abort.signal,
      dispatcher: this.undici.agent,
    })
    const headers = new Headers()
    for (const [name, value] of Object.entries(answer.headers)) {
      for (const one of [value ?? []].flat()) headers.append(name, one)
    }
    const isBodiless = method === 'HEAD' || NULL_BODY.has(answer.statusCode)
    if (isBodiless) await answer.body.dump()
    const stream = isBodiless ? null : (answer.body as unknown as BodyInit)
    const response = new Response(stream, { status: answer.statusCode, headers })
    Object.defineProperty(response, 'url', { value: url.href })
    return response
  }

  /** The same response with its body counted, and the deadline ended with the body. */
  private bounded(response: Response): Response {
    const max = this.init.maxResponseBytes ?? this.limits.maxResponseBytes
    const encoded = !this.init.packed && response.headers.has('content-encoding')
    const declared = Number(response.headers.get('content-length') ?? 0)
    const head = { status: response.status, statusText: response.statusText }
    const headers = new Headers(response.headers)
    if (encoded) {
      headers.delete('content-encoding') // undone already; the length was of the packed form
      headers.delete('content-length')
    }
    let body: ReadableStream<Uint8Array> | null = null
    if (response.body !== null && !NULL_BODY.has(response.status)) {
      if (!encoded && declared > max) {
        void response.body.cancel().catch(() => {})
        throw this.tooLarge(max)
      }
      body = this.counted(response.body as ReadableStream<Uint8Array>, max)
    } else this.end()
    const result = new Response(body, { ...head, headers })
    Object.defineProperty(result, 'url', { value: response.url })
    return result
  }

  private counted(source: ReadableStream<Uint8Array>, max: number): ReadableStream<Uint8Array> {
    const reader = source.getReader()
    let left = max
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          try {
            this.listen()
            const { done, value } = await reader.read()
            clearTimeout(this.waiting)
            if (done) {
              this.end()
              return controller.close()
            }
            left -= value.length
            if (left < 0) {
              void reader.cancel().catch(() => {})
              throw this.tooLarge(max)
            }
            controller.enqueue(value)
          } catch (error) {
            this.end()
            throw this.explain(error)
          }
        },
        cancel: async (reason) => {
          this.end()
          await reader.cancel(reason)
        },
      },
      { highWaterMark: 0 },
    )
  }

  private tooLarge(max: number): OutgoingError {
    return new OutgoingError('TooLarge', this.host, `${this.host} sends more than ${max} bytes`)
  }

  private end(): void {
    clearTimeout(this.whole)
    clearTimeout(this.waiting)
    if (this.onCallerAbort) this.init.signal?.removeEventListener('abort', this.onCallerAbort)
  }

  /** Ours and the caller's own reasons pass; what the client library says becomes one error. */
  private explain(error: unknown): unknown {
    if (this.init.signal?.aborted) return this.init.signal.reason
    if (this.abort.signal.aborted) return this.abort.signal.reason
    for (let cause = error; cause instanceof Error; cause = cause.cause)
      if (cause instanceof OutgoingError) return cause
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    const detail =
      cause instanceof Error ? ((cause as { code?: string }).code ?? cause.message) : ''
    return new OutgoingError('Unreachable', this.host, `cannot reach ${this.host}: ${detail}`, {
      cause: error,
    })
  }
}

function isStream(body: BodyInit): boolean {
  return (
    body instanceof ReadableStream || (typeof body === 'object' && Symbol.asyncIterator in body)
  )
}
