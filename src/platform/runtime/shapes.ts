/**
 * The plain shapes that cross the runtime's door: requests, responses, frames, services, loops.
 * They are structural: a room that may not import this one declares the same shape and fits.
 */

/** One request, as a service sees it. Header names are lower case; `query` has no leading `?`. */
export interface HttpRequest {
  method: string
  path: string
  query: string
  headers: Readonly<Record<string, string | undefined>>
  /** Undefined when there is none. For a subscription: the messages the client sends, if read. */
  body: AsyncIterable<Uint8Array> | Uint8Array | undefined
  /** Address of the peer, or of the client in front of a trusted proxy. */
  ip: string
  /** Unique per request in this process; written to logs and answered as `x-request-id`. */
  id: string
  /** Aborts when the client goes away or the listener closes. Created on first use. */
  signal: AbortSignal
}

/** One response. A string or bytes are sent at once with their length; an iterable is streamed. */
export interface HttpResponse {
  status: number
  headers?: Record<string, string>
  /** Each becomes a `set-cookie` header of its own, which `headers` has no room for. */
  cookies?: readonly string[]
  body?: string | Uint8Array | AsyncIterable<Uint8Array>
  /** Of a whole body: asked once more as it leaves; when it says no, the connection is cut instead. */
  isStillTrue?(): boolean
}

/** A ready WebSocket message: bytes go as a binary frame, a string as a text frame. */
export type Frame = Uint8Array | string

/**
 * Frames that are ready together. The array object is the key under which the listener keeps the
 * wire form, so handing the same array to many readers builds it once. Never change it afterwards.
 * One with a `Symbol.dispose` is for one reader, and is told when its socket has taken all of it.
 */
export type FrameBatch = readonly Frame[] & Partial<Disposable>

/** A supervised task. It ends when the signal aborts; a throw restarts it with growing pauses. */
export interface Loop {
  name: string
  run(signal: AbortSignal): Promise<void>
}

/** What has a place on the network: answers requests, streams frames, runs loops. */
export interface Service {
  name: string
  handle(request: HttpRequest): HttpResponse | Promise<HttpResponse>
  /**
   * Answers a WebSocket upgrade: frames to send, or a plain response that refuses it. The iterable
   * must end when `request.signal` aborts.
   */
  subscribe?(request: HttpRequest): AsyncIterable<FrameBatch> | HttpResponse
  /** Last frame sent to a subscriber that is cut because it reads too slowly. */
  tooSlowFrame?: Frame
  loops: readonly Loop[]
  /** Resolves when the service can answer; called once its loops run. */
  ready?(): Promise<void>
  close(): Promise<void>
}

/** `fetch`, with limits of its own. Defaults are the guarded fetch's. */
export interface FetchInit extends RequestInit {
  /** Most bytes of the response body, unpacked unless `packed`. */
  maxResponseBytes?: number
  /** Whole exchange, body included, in milliseconds. */
  timeoutMs?: number
  /** Until the response's headers are there. */
  headersTimeoutMs?: number
  /**
   * For what may be large and slow: how long not one byte may pass, sent or received. Takes the place of
   * both other limits of time.
   */
  silenceMs?: number
  maxRedirects?: number
  /** Leave the body packed as it came, with its `content-encoding`; the limit is of that form then. */
  packed?: boolean
}

export type Fetch = (url: string | URL | Request, init?: FetchInit) => Promise<Response>

export interface SubscribeOptions {
  signal: AbortSignal
  headers?: Record<string, string>
  /** Most bytes of one frame; a larger one ends the stream with an error. */
  maxFrameBytes?: number
}

/**
 * Opens a stream (`ws:`, `wss:`, `http:` or `https:` URL) and yields batches of ready frames.
 * Throws OutgoingError when it cannot be opened or breaks a limit; ends when the other side closes
 * it or the signal aborts. Reading is back-pressure: nothing is read ahead beyond a small buffer.
 */
export type Subscribe = (url: string, options: SubscribeOptions) => AsyncIterable<FrameBatch>

export type TimerHandle = unknown

export interface Timers {
  /** Resolves after `ms`; rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  setTimeout(run: () => void, ms: number): TimerHandle
  clearTimeout(handle: TimerHandle): void
}

/** Everything ambient a service may use, handed in, so that a whole network runs from a seed. */
export interface Outside {
  /** Milliseconds since the epoch. */
  now(): number
  timers: Timers
  /** Cryptographically random bytes. */
  random(byteCount: number): Uint8Array
  fetch: Fetch
  /** TXT records of a name, each joined to one string; empty when there are none. */
  resolveTxt(name: string): Promise<string[]>
}
