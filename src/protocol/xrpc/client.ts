import { safeParse } from '@atcute/lexicons/validations'
import { errorName, XrpcError } from './error.ts'
import type {
  AnswerOf,
  BinaryBody,
  MethodSchema,
  ParamsInputOf,
  ProcedureSchema,
  QuerySchema,
  SendOf,
  SubscriptionSchema,
} from './method.ts'
import { formatParams } from './params.ts'

/** The shape of `fetch` that is handed in. */
export type Fetch = (url: string, init?: RequestInit) => Promise<Response>

export interface XrpcClientOptions {
  /** Origin of the service: `https://pds.example`. */
  service: string
  fetch: Fetch
  /** Sent with every call; a function is asked each time (tokens change). */
  headers?: Record<string, string> | (() => Record<string, string>)
  /** Makes the time limit of a call that brings no signal of its own. */
  signal?(): AbortSignal
  /** Largest JSON answer in bytes. Default 5 MiB. */
  maxBytes?: number
}

export interface CallOptions {
  headers?: Record<string, string>
  signal?: AbortSignal
  /** Largest answer in bytes, instead of the client's own limit. */
  maxBytes?: number
  /** False: a JSON answer is handed over without a look at its schema. */
  validate?: boolean
}

/** An answer that is not JSON, not yet read; reading past the limit throws. */
export interface BinaryAnswer {
  encoding: string
  headers: Headers
  body: AsyncIterable<Uint8Array>
}

/**
 * Typed calls to one service. Every failure is an XrpcError: the upstream's own status, name and
 * message; 502 UpstreamFailure when it cannot be reached or answers nonsense; 504 UpstreamTimeout
 * when the signal ran out. Its `cause` stays inside.
 */
export interface XrpcClient {
  readonly service: string
  get<const S extends QuerySchema>(
    schema: S,
    params: ParamsInputOf<S>,
    options?: CallOptions,
  ): Promise<AnswerOf<S>>
  post<const S extends ProcedureSchema>(
    schema: S,
    input: SendOf<S>,
    params?: ParamsInputOf<S>,
    options?: CallOptions,
  ): Promise<AnswerOf<S>>
  /** A query with a binary answer, streamed. The default limit is none but `maxBytes` when given. */
  getStream<const S extends QuerySchema>(
    schema: S,
    params: ParamsInputOf<S>,
    options?: CallOptions,
  ): Promise<BinaryAnswer>
  /** A query with a binary answer, read whole within the limit. */
  getBytes<const S extends QuerySchema>(
    schema: S,
    params: ParamsInputOf<S>,
    options?: CallOptions,
  ): Promise<Uint8Array>
}

const defaultMaxBytes = 5_242_880
const maxErrorBytes = 65_536

/** Makes a client; nothing is contacted before the first call. */
export function xrpcClient(options: XrpcClientOptions): XrpcClient {
  const limit = options.maxBytes ?? defaultMaxBytes
  const send = (url: string, init: RequestInit, call: CallOptions | undefined) =>
    exchange(options, url, init, call)
  return {
    service: options.service,
    async get(schema, params, call) {
      const url = xrpcUrl(options.service, schema.nsid, params as object)
      const response = await send(url, { method: 'GET' }, call)
      return readAnswer(response, url, schema, call, limit)
    },
    async post(schema, input, params, call) {
      const url = xrpcUrl(options.service, schema.nsid, (params ?? {}) as object)
      const response = await send(url, requestBody(schema, input), call)
      return readAnswer(response, url, schema, call, limit)
    },
    async getStream(schema, params, call) {
      const url = xrpcUrl(options.service, schema.nsid, params as object)
      const response = await send(url, { method: 'GET' }, call)
      return binaryAnswer(response, url, call?.maxBytes ?? Number.POSITIVE_INFINITY)
    },
    async getBytes(schema, params, call) {
      const url = xrpcUrl(options.service, schema.nsid, params as object)
      const response = await send(url, { method: 'GET' }, call)
      return readBody(response, url, call?.maxBytes ?? limit)
    },
  }
}

/** The address of a method with its parameters. */
export function xrpcUrl(service: string, nsid: string, params: object = {}): string {
  const query = formatParams(params as Record<string, unknown>)
  const base = service.endsWith('/') ? service.slice(0, -1) : service
  return `${base}/xrpc/${nsid}${query === '' ? '' : `?${query}`}`
}

/** The WebSocket address of a subscription: ws for http, wss for https. */
export function subscriptionUrl<const S extends SubscriptionSchema>(
  service: string,
  schema: S,
  params: ParamsInputOf<S>,
): string {
  return xrpcUrl(service, schema.nsid, params as object).replace(/^http/, 'ws')
}

function requestBody(schema: ProcedureSchema, input: unknown): RequestInit {
  if (schema.input === null || input === undefined) return { method: 'POST' }
  if (schema.input.type === 'lex') {
    const headers = { 'content-type': 'application/json' }
    return { method: 'POST', headers, body: JSON.stringify(input) }
  }
  const { encoding, body } = input as BinaryBody
  const headers = { 'content-type': encoding }
  if (body instanceof Uint8Array) return { method: 'POST', headers, body: body as BodyInit }
  // A streamed body must say `duplex: 'half'`, which the DOM's types do not know yet.
  return { method: 'POST', headers, body, duplex: 'half' } as unknown as RequestInit
}

async function exchange(
  client: XrpcClientOptions,
  url: string,
  init: RequestInit,
  call: CallOptions | undefined,
): Promise<Response> {
  const { headers } = client
  const own = typeof headers === 'function' ? headers() : headers
  const merged = { ...own, ...(init.headers as Record<string, string>), ...call?.headers }
  const signal = call?.signal ?? client.signal?.()
  let response: Response
  try {
    response = await client.fetch(url, { ...init, headers: merged, signal: signal ?? null })
  } catch (thrown) {
    throw unreachable(thrown, url)
  }
  if (response.ok) return response
  throw await upstreamError(response, url)
}

async function readAnswer<S extends MethodSchema>(
  response: Response,
  url: string,
  schema: S,
  call: CallOptions | undefined,
  limit: number,
): Promise<AnswerOf<S>> {
  const { output } = schema as ProcedureSchema
  if (output?.type !== 'lex') {
    await response.body?.cancel()
    return undefined as AnswerOf<S>
  }
  const bytes = await readBody(response, url, call?.maxBytes ?? limit)
  const value = parse(bytes)
  if (value === undefined) throw badAnswer(url, 'the answer is not JSON')
  if (call?.validate === false) return value as AnswerOf<S>
  const result = safeParse(output.schema, value)
  if (!result.ok) throw badAnswer(url, result.message)
  return result.value as AnswerOf<S>
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return undefined
  }
}

async function readBody(response: Response, url: string, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const chunk of limitedBody(response, url, maxBytes)) {
    parts.push(chunk)
    size += chunk.length
  }
  if (parts.length === 1) return parts[0]!
  const whole = new Uint8Array(size)
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}

function binaryAnswer(response: Response, url: string, maxBytes: number): BinaryAnswer {
  return {
    encoding: response.headers.get('content-type') ?? 'application/octet-stream',
    headers: response.headers,
    body: limitedBody(response, url, maxBytes),
  }
}

async function* limitedBody(
  response: Response,
  url: string,
  maxBytes: number,
): AsyncGenerator<Uint8Array> {
  if (response.body === null) return
  const reader = response.body.getReader()
  let size = 0
  let done = false
  try {
    for (;;) {
      const next = await reader.read().catch((thrown) => {
        throw unreachable(thrown, url)
      })
      if (next.done) {
        done = true
        return
      }
      size += next.value.length
      if (size > maxBytes) throw badAnswer(url, `the answer is larger than ${maxBytes} bytes`)
      yield next.value
    }
  } finally {
    // A reader that stops early must not leave the connection waiting.
    if (!done) reader.cancel().catch(() => {})
  }
}

async function upstreamError(response: Response, url: string): Promise<XrpcError> {
  let body: unknown
  try {
    body = parse(await readBody(response, url, maxErrorBytes))
  } catch {
    // The status alone has to do.
  }
  const { error, message } = (typeof body === 'object' && body !== null ? body : {}) as {
    error?: unknown
    message?: unknown
  }
  // A redirect or another status below 400 is no answer a caller could be given.
  const status = response.status >= 400 ? response.status : 502
  const name = typeof error === 'string' && error !== '' ? error : errorName(status)
  const text = typeof message === 'string' && message !== '' ? message : name
  return new XrpcError(status, name.slice(0, 100), text.slice(0, 1000), {
    headers: passedHeaders(response.headers),
  })
}

const passedNames = ['retry-after', 'www-authenticate', 'dpop-nonce', 'ratelimit-reset']

function passedHeaders(headers: Headers): Record<string, string> | undefined {
  let passed: Record<string, string> | undefined
  for (const name of passedNames) {
    const value = headers.get(name)
    if (value !== null) passed = { ...passed, [name]: value }
  }
  return passed
}

function unreachable(thrown: unknown, url: string): XrpcError {
  if (thrown instanceof XrpcError) return thrown
  // A signal's own reason, or what a fetch with limits of its own says.
  const { name, code } = thrown as { name?: unknown; code?: unknown }
  const timedOut = thrown instanceof Error && (name === 'TimeoutError' || code === 'Timeout')
  const host = hostOf(url)
  return timedOut
    ? new XrpcError(504, 'UpstreamTimeout', `${host} did not answer in time`, { cause: thrown })
    : new XrpcError(502, 'UpstreamFailure', `${host} could not be reached`, { cause: thrown })
}

function badAnswer(url: string, reason: string): XrpcError {
  return new XrpcError(502, 'InvalidResponse', `Bad answer from ${hostOf(url)}: ${reason}`)
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'the service'
}
