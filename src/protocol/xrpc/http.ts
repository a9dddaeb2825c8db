/** A request as a listener (or a transport in the same process) hands it over. */
export interface HttpRequest {
  /** Upper case. */
  method: string
  /** Raw, with its leading slash, without the query. */
  path: string
  /** Raw, without the question mark; empty when there is none. */
  query: string
  /** Names in lower case. */
  headers: Readonly<Record<string, string | undefined>>
  body: AsyncIterable<Uint8Array> | Uint8Array | undefined
  /** Address of the peer, for limits and logs. */
  ip: string
  /** Request id, for logs; the listener answers it as `x-request-id`. */
  id: string
  /** Aborted when the peer goes away. */
  signal: AbortSignal
}

/** An answer. A body that is an iterable is streamed and pulled at the reader's pace. */
export interface HttpResponse {
  status: number
  headers?: Record<string, string>
  /** Each becomes a `set-cookie` header of its own, which `headers` has no room for. */
  cookies?: readonly string[]
  body?: string | Uint8Array | AsyncIterable<Uint8Array>
}

/** One WebSocket message: binary (event streams) or text (jetstream). */
export type Frame = Uint8Array | string

/**
 * Ready frames, in order. The same batch object may be handed to many readers; one with a
 * `Symbol.dispose` is for one, and is told when the socket has taken all of it.
 */
export type FrameBatch = readonly Frame[] & Partial<Disposable>

/**
 * Headers of every answer: any page may call, and read all headers (`dpop-nonce`,
 * `atproto-repo-rev`): sign-in travels in a header that no browser sends by itself.
 */
export const corsHeaders: Readonly<Record<string, string>> = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': '*',
}

export const jsonType = 'application/json; charset=utf-8'

/** Headers of a JSON answer. */
export const jsonHeaders: Readonly<Record<string, string>> = {
  ...corsHeaders,
  'content-type': jsonType,
}
