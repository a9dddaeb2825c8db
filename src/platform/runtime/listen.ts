/**
 * The listener: node:http and WebSocket in front of one service. It owns limits on connections,
 * headers, bodies and time, request ids and the metrics page; it knows nothing of what is served.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { type AddressInfo, isIPv6 } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Log } from './log.ts'
import { isLocalHostHeader, isLoopbackAddress, isLoopbackHost } from './loopback.ts'
import type { Metrics } from './metrics.ts'
import { type BodyError, type BodyLimits, RequestBody } from './request-body.ts'
import { refuseUpgrade, send } from './respond.ts'
import type { HttpRequest, HttpResponse, Service } from './shapes.ts'
import { SubscriberInbox, type SubscriberLimits, Subscribers } from './subscribers.ts'

export interface ListenLimits {
  maxConnections: number
  /** Requests being answered at once; more get 503 with Retry-After. */
  maxRequests: number
  maxHeaderBytes: number
  maxHeaders: number
  headersTimeoutMs: number
  keepAliveMs: number
  /** How long a streamed response may wait for its reader. */
  responseStallMs: number
  body: BodyLimits
  subscribers: SubscriberLimits
  /** Time that requests under way get when the listener closes. */
  graceMs: number
}

const LIMITS: ListenLimits = {
  maxConnections: 20_000,
  maxRequests: 4_000,
  maxHeaderBytes: 32 * 1024,
  maxHeaders: 100,
  headersTimeoutMs: 15_000,
  keepAliveMs: 75_000,
  responseStallMs: 60_000,
  body: { maxBytes: 16 * 1024 ** 3, stallMs: 30_000, minBytesPerSecond: 500 },
  subscribers: {
    maxSubscribers: 10_000,
    stallMs: 30_000,
    pingMs: 30_000,
    maxMessageBytes: 64 * 1024,
  },
  graceMs: 3_000,
}

export interface ListenOptions {
  /** 0 picks a free one. */
  port: number
  host?: string
  log: Log
  metrics: Metrics
  /** Listen on loopback only, and answer only requests that name this machine (or a test domain). */
  loopbackOnly?: boolean
  /** Believe the last entry of X-Forwarded-For: there is exactly one proxy of ours in front. */
  trustProxy?: boolean
  /** Bearer token that opens /metrics from elsewhere; without one only this machine may read it. */
  metricsToken?: string
  limits?: Partial<ListenLimits>
}

export interface Listening {
  port: number
  host: string
  /** `http://localhost:PORT` on loopback, else with the address. */
  url: string
  /** Stops accepting, lets requests finish for the grace time, closes streams, then everything. */
  close(): Promise<void>
}

/** The listener could not be opened; the message is one clear line. */
export class ListenError extends Error {
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.name = 'ListenError'
    this.code = code
  }
}

/** Not imported: an import reads all that the module has, and so loads its whole client as well. */
const { createServer } = process.getBuiltinModule('node:http')

/** Opens a listener for a service. Throws ListenError when the address cannot be had. */
export async function listen(service: Service, options: ListenOptions): Promise<Listening> {
  const host = options.host ?? '127.0.0.1'
  if (options.loopbackOnly && !isLoopbackHost(host))
    throw new ListenError('NotLoopback', `local mode listens on loopback only, not on ${host}`)
  return await new Listener(service, host, options).open()
}

/** Bodies up to this are handed over whole: cheaper than an iteration for what is one packet. */
const SMALL_BODY_BYTES = 64 * 1024

const ID_PREFIX = Math.floor(Math.random() * 36 ** 6)
  .toString(36)
  .padStart(6, '0')
let requestCount = 0

/** Unique in this process, and unlikely to repeat in another. */
export function nextRequestId(): string {
  return ID_PREFIX + (++requestCount).toString(36)
}

class Listener {
  private readonly server: Server
  private readonly limits: ListenLimits
  private readonly subscribers: Subscribers
  private readonly service: Service
  private readonly host: string
  private readonly options: ListenOptions
  private readonly log: Log
  private readonly answered
  private readonly seconds
  private inFlight = 0
  private localHost: string | undefined
  private whenIdle: (() => void) | undefined

  constructor(service: Service, host: string, options: ListenOptions) {
    this.service = service
    this.host = host
    this.options = options
    this.log = options.log
    this.limits = { ...LIMITS, ...options.limits }
    const { metrics } = options
    const answered = metrics.counter('http_requests', 'Requests answered', ['status'])
    this.answered = ['0xx', '1xx', '2xx', '3xx', '4xx', '5xx'].map((family) =>
      answered.with(family),
    )
    this.seconds = metrics.histogram('http_request_seconds', 'Time to answer a request').with()
    metrics.gauge('http_requests_in_flight', 'Requests being answered', [], () => this.inFlight)
    this.subscribers = new Subscribers(this.limits.subscribers, this.log, metrics)
    this.server = createServer({
      keepAliveTimeout: this.limits.keepAliveMs,
      headersTimeout: this.limits.headersTimeoutMs,
      requestTimeout: 0, // bodies have their own pace limit; a long upload is no attack
      maxHeaderSize: this.limits.maxHeaderBytes,
      connectionsCheckingInterval: Math.min(5_000, this.limits.headersTimeoutMs),
      noDelay: true,
      optimizeEmptyRequests: true,
      shouldUpgradeCallback: (message: IncomingMessage) =>
        service.subscribe !== undefined && message.headers.upgrade?.toLowerCase() === 'websocket',
    })
    this.server.maxConnections = this.limits.maxConnections
    this.server.maxHeadersCount = this.limits.maxHeaders
    this.server.on('request', (message, response) => this.request(message, response))
    this.server.on('upgrade', (message, socket, head) => this.upgrade(message, socket, head))
  }

  async open(): Promise<Listening> {
    const { port } = this.options
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', (error: NodeJS.ErrnoException) =>
        reject(listenError(error, this.host, port)),
      )
      this.server.listen(port, this.host, resolve)
    })
    this.server.on('error', (error) => this.log.error('listener failed', { error }))
    const bound = this.server.address() as AddressInfo
    return {
      port: bound.port,
      host: this.host,
      url: `http://${urlHost(this.host)}:${bound.port}`,
      close: () => this.close(),
    }
  }

  private request(message: IncomingMessage, response: ServerResponse): void {
    const started = performance.now()
    this.inFlight++
    response.on('close', () => {
      this.inFlight--
      if (this.inFlight === 0) this.whenIdle?.()
      this.answered[(response.statusCode / 100) | 0]?.add()
      this.seconds.observe((performance.now() - started) / 1000)
    })
    const { headers } = message
    const length = headers['content-length']
    if (length === undefined && headers['transfer-encoding'] === undefined) {
      this.answer(message, response, undefined)
      return
    }
    const body = new RequestBody(message, this.limits.body)
    if (length === undefined || Number(length) > SMALL_BODY_BYTES) {
      this.answer(message, response, body)
      return
    }
    // A small body mostly comes in the packet of its headers, and is parsed when this turn ends.
    queueMicrotask(() => {
      if (message.complete) this.answer(message, response, body.rest())
      else void this.collectThenAnswer(message, response, body)
    })
  }

  private async collectThenAnswer(
    message: IncomingMessage,
    response: ServerResponse,
    body: RequestBody,
  ): Promise<void> {
    try {
      const chunks: Uint8Array[] = []
      for await (const chunk of body) chunks.push(chunk)
      this.answer(message, response, Buffer.concat(chunks))
    } catch (error) {
      const { status, code, message: text } = error as BodyError
      const answer = problem(status ?? 400, code ?? 'InvalidRequest', text)
      send(message, response, answer, nextRequestId(), this.limits.responseStallMs, this.log)
    }
  }

  private answer(
    message: IncomingMessage,
    response: ServerResponse,
    body: RequestBody | Uint8Array | undefined,
  ): void {
    const request = new PlainRequest(message, response, body, this.address(message))
    const reply = (answer: HttpResponse) =>
      send(message, response, answer, request.id, this.limits.responseStallMs, this.log)
    const fail = (error: unknown) => reply(this.failure(error, request))
    try {
      const answer = this.refusal(message, request) ?? this.service.handle(request)
      if (answer instanceof Promise) answer.then(reply).catch(fail)
      else reply(answer)
    } catch (error) {
      fail(error)
    }
  }

  private address(message: IncomingMessage): string {
    const peer = message.socket.remoteAddress ?? ''
    const forwarded = this.options.trustProxy && message.headers['x-forwarded-for']
    if (!forwarded) return peer
    return (forwarded as string).split(',').at(-1)!.trim() || peer
  }

  /** Answers that need no service: overload, a foreign Host in local mode, the metrics page. */
  private refusal(message: IncomingMessage, request: HttpRequest): HttpResponse | undefined {
    if (this.inFlight > this.limits.maxRequests)
      return problem(503, 'TooManyRequests', 'too many requests at once', { 'retry-after': '1' })
    if (this.options.loopbackOnly && !this.isLocal(request.headers.host))
      return problem(421, 'WrongHost', 'in local mode only this machine may be asked')
    if (!request.path.startsWith('/') && request.path !== '*')
      return problem(400, 'InvalidRequest', 'request target must be a path')
    if (request.path === '/metrics') return this.metricsPage(message, request)
    return undefined
  }

  /** The last good name is remembered: a connection says the same one each time. */
  private isLocal(host: string | undefined): boolean {
    if (host !== undefined && host === this.localHost) return true
    if (!isLocalHostHeader(host)) return false
    this.localHost = host
    return true
  }

  private metricsPage(message: IncomingMessage, request: HttpRequest): HttpResponse | undefined {
    const { metrics, metricsToken } = this.options
    const { headers } = request
    const direct =
      isLoopbackAddress(message.socket.remoteAddress ?? '') && !headers['x-forwarded-for']
    const known = metricsToken !== undefined && headers.authorization === `Bearer ${metricsToken}`
    if (!direct && !known) return problem(403, 'Forbidden', 'metrics are not public')
    const type = 'text/plain; version=0.0.4; charset=utf-8'
    return { status: 200, headers: { 'content-type': type }, body: metrics.text() }
  }

  private failure(error: unknown, request: HttpRequest): HttpResponse {
    const { status, code } = error as { status?: unknown; code?: unknown }
    if (typeof status === 'number' && status >= 400 && status < 500)
      return problem(status, String(code ?? 'InvalidRequest'), (error as Error).message)
    this.log.error('request failed', { request: request.id, path: request.path, error })
    return problem(500, 'InternalServerError', `something failed here; request ${request.id}`)
  }

  private upgrade(message: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy())
    const abort = new AbortController()
    const inbox = new SubscriberInbox()
    const mark = message.url!.indexOf('?')
    const request: HttpRequest = {
      method: message.method!,
      path: mark < 0 ? message.url! : message.url!.slice(0, mark),
      query: mark < 0 ? '' : message.url!.slice(mark + 1),
      headers: message.headers as Record<string, string | undefined>,
      body: inbox,
      ip: this.address(message),
      id: nextRequestId(),
      signal: abort.signal,
    }
    let answer: AsyncIterable<readonly (Uint8Array | string)[]> | HttpResponse
    try {
      answer = this.refuseSubscriber(message, request) ?? this.service.subscribe!(request)
    } catch (error) {
      answer = this.failure(error, request)
    }
    if ('status' in answer) {
      refuseUpgrade(socket, answer, request.id)
      return
    }
    const { tooSlowFrame } = this.service
    this.subscribers
      .accept(message, socket, head, { batches: answer, inbox, abort, tooSlowFrame })
      .catch((error) => {
        this.log.error('upgrade failed', { request: request.id, error })
        socket.destroy()
      })
  }

  private refuseSubscriber(
    message: IncomingMessage,
    request: HttpRequest,
  ): HttpResponse | undefined {
    if (this.subscribers.full)
      return problem(503, 'TooManySubscribers', 'too many subscribers', { 'retry-after': '5' })
    const refused = this.refusal(message, request)
    return refused?.status === 200 ? undefined : refused
  }

  private async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()))
    this.subscribers.close()
    this.server.closeIdleConnections()
    if (this.inFlight > 0) {
      const grace = new Promise<void>((resolve) => {
        this.whenIdle = resolve
        setTimeout(resolve, this.limits.graceMs).unref()
      })
      await grace
    }
    this.subscribers.terminate()
    this.server.closeAllConnections()
    await closed
  }
}

/** A class, so that every request has the same hidden shape and the signal costs nothing unused. */
class PlainRequest implements HttpRequest {
  readonly method: string
  readonly path: string
  readonly query: string
  readonly headers: HttpRequest['headers']
  readonly body: RequestBody | Uint8Array | undefined
  readonly ip: string
  readonly id = nextRequestId()
  readonly #response: ServerResponse
  #abort: AbortController | undefined

  constructor(
    message: IncomingMessage,
    response: ServerResponse,
    body: RequestBody | Uint8Array | undefined,
    ip: string,
  ) {
    const url = message.url!
    const mark = url.indexOf('?')
    this.method = message.method!
    this.path = mark < 0 ? url : url.slice(0, mark)
    this.query = mark < 0 ? '' : url.slice(mark + 1)
    this.headers = message.headers as HttpRequest['headers']
    this.body = body
    this.ip = ip
    this.#response = response
  }

  get signal(): AbortSignal {
    return (this.#abort ??= abortOnClose(this.#response)).signal
  }
}

function abortOnClose(response: ServerResponse): AbortController {
  const abort = new AbortController()
  const onClose = () => {
    if (!response.writableFinished) abort.abort(new Error('client went away'))
  }
  if (response.closed) onClose()
  else response.on('close', onClose)
  return abort
}

function problem(
  status: number,
  error: string,
  message: string,
  headers: Record<string, string> = {},
): HttpResponse {
  return {
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ error, message }),
  }
}

function urlHost(host: string): string {
  if (isLoopbackHost(host)) return 'localhost'
  return isIPv6(host) ? `[${host}]` : host
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): ListenError {
  const where = `port ${port} on ${host}`
  if (error.code === 'EADDRINUSE') return new ListenError('PortInUse', `${where} is in use`)
  if (error.code === 'EACCES') return new ListenError('NotAllowed', `${where} may not be used`)
  return new ListenError(error.code ?? 'Failed', `cannot listen on ${where}: ${error.message}`)
}
