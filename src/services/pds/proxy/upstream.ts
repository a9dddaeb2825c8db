import { type Fetch, type FetchInit, OutgoingError } from '#platform/runtime'
import { concatBytes } from '#protocol/data'
import {
  corsHeaders,
  errorName,
  type HttpRequest,
  type HttpResponse,
  XrpcError,
} from '#protocol/xrpc'
import type { ProxyTarget } from './targets.ts'

/** A service that has not begun to answer by then is as good as away; a person is waiting. */
const HEADERS_MS = 10_000
/** A call without a body worth the name. */
const SMALL_EXCHANGE_MS = 30_000
/** One whose body takes a while to send. */
const EXCHANGE_MS = 10 * 60_000
const SMALL_BYTES = 1_000_000
/** Bodies stream through: this bounds what one call may carry, not memory. */
const REQUEST_BYTES_MAX = 500_000_000
const RESPONSE_BYTES_MAX = 500_000_000
/** An upstream's word about what is wrong. */
const ERROR_BYTES_MAX = 100_000
const MESSAGE_LENGTH_MAX = 1_000

/** What of a request another service may see; never cookies, nor what is for the next hop only. */
const REQUEST_HEADERS = ['accept-language', 'atproto-accept-labelers', 'x-bsky-topics']
const BODY_HEADERS = ['content-type', 'content-encoding']
const RESPONSE_HEADERS = [
  'content-type',
  'content-encoding',
  'content-length',
  'content-language',
  'atproto-repo-rev',
  'atproto-content-labelers',
  'retry-after',
  'cache-control',
]

/** One call to another service; bodies stream both ways. Throws UpstreamFailure, UpstreamTimeout. */
export async function callUpstream(
  fetch: Fetch,
  target: ProxyTarget,
  request: HttpRequest,
  { nsid, token, accept }: { nsid: string; token: string | undefined; accept: string },
): Promise<Response> {
  const { method, query, signal } = request
  const headers: Record<string, string> = { 'accept-encoding': accept }
  if (token !== undefined) headers.authorization = `Bearer ${token}`
  const hasBody = method === 'POST' && request.body !== undefined
  for (const name of hasBody ? [...REQUEST_HEADERS, ...BODY_HEADERS] : REQUEST_HEADERS) {
    const value = request.headers[name]
    if (value !== undefined) headers[name] = value
  }
  const size = hasBody ? sizeOf(request) : 0
  if (size > REQUEST_BYTES_MAX) throw tooLarge()
  const isSmall = size <= SMALL_BYTES
  return exchange(fetch, `${target.url}/xrpc/${nsid}${query ? `?${query}` : ''}`, {
    method,
    headers,
    signal,
    redirect: 'error',
    packed: true,
    timeoutMs: isSmall ? SMALL_EXCHANGE_MS : EXCHANGE_MS,
    headersTimeoutMs: isSmall ? HEADERS_MS : EXCHANGE_MS,
    maxResponseBytes: RESPONSE_BYTES_MAX,
    ...(hasBody && bodyOf(request.body!)),
  })
}

/** Undeclared is as large as it may be. */
function sizeOf({ body, headers }: HttpRequest): number {
  if (body instanceof Uint8Array) return body.length
  const declared = Number(headers['content-length'] ?? Number.NaN)
  return Number.isNaN(declared) ? REQUEST_BYTES_MAX : declared
}

function bodyOf(body: Uint8Array | AsyncIterable<Uint8Array>): FetchInit {
  if (body instanceof Uint8Array) return { body: body as Uint8Array<ArrayBuffer> }
  return { body: bounded(body), duplex: 'half' } as unknown as FetchInit
}

async function* bounded(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let left = REQUEST_BYTES_MAX
  for await (const chunk of chunks) {
    left -= chunk.length
    if (left < 0) throw tooLarge()
    yield chunk
  }
}

const tooLarge = () =>
  new XrpcError(413, 'PayloadTooLarge', `The body is larger than ${REQUEST_BYTES_MAX} bytes`)

async function exchange(fetch: Fetch, url: string, init: FetchInit): Promise<Response> {
  try {
    return await fetch(url, init)
  } catch (cause) {
    if (cause instanceof XrpcError) throw cause
    const { host } = new URL(url)
    const isLate = cause instanceof OutgoingError && cause.code === 'Timeout'
    throw isLate
      ? new XrpcError(504, 'UpstreamTimeout', `No answer from ${host} in time`, { cause })
      : new XrpcError(502, 'UpstreamFailure', `No answer from ${host}`, { cause })
  }
}

/**
 * An upstream's answer as ours. Its failures are told as an upstream's, by its host; refusals of
 * the caller pass as they are, and one without a name of its own gets the general one.
 */
export async function passed(response: Response, { url }: ProxyTarget): Promise<HttpResponse> {
  const headers = passedHeaders(response)
  const isRefusal = response.status >= 400
  if (isRefusal && (response.status === 500 || !isJson(response))) {
    const { error, message } = await refusalOf(response, new URL(url).host)
    const status = response.status === 500 ? 502 : response.status
    const retryAfter = headers['retry-after']
    const named = { ...(retryAfter !== undefined && { 'retry-after': retryAfter }) }
    throw new XrpcError(status, error, message, { headers: named })
  }
  const body = response.body as unknown as AsyncIterable<Uint8Array> | null
  return { status: response.status, headers, body: body ?? undefined }
}

export function passedHeaders(response: Response): Record<string, string> {
  const headers: Record<string, string> = { ...corsHeaders }
  for (const name of RESPONSE_HEADERS) {
    const value = response.headers.get(name)
    if (value !== null) headers[name] = value
  }
  return headers
}

export const isJson = (response: Response): boolean =>
  /^application\/([\w.-]+\+)?json\b/i.test(response.headers.get('content-type') ?? '')

/** What the upstream said is wrong, or that it said nothing of use. */
async function refusalOf(response: Response, host: string) {
  const { status } = response
  const said = isJson(response) ? await readJson(response, ERROR_BYTES_MAX) : undefined
  if (said === undefined) void response.body?.cancel().catch(() => {})
  const { error, message } = (said ?? {}) as { error?: unknown; message?: unknown }
  const words = typeof message === 'string' ? message.slice(0, MESSAGE_LENGTH_MAX) : ''
  if (status === 500) {
    return { error: 'UpstreamFailure', message: `${host} failed${words && `: ${words}`}` }
  }
  const name = typeof error === 'string' ? error : errorName(status)
  return { error: name, message: words || `${host} answered ${status}` }
}

/** The JSON of a small answer, unpacked; undefined for anything else. Reads the body to its end. */
export async function readJson(response: Response, bytesMax: number): Promise<unknown> {
  const bytes = await readBytes(response, bytesMax)
  return bytes && parseBytes(bytes)
}

export function parseBytes(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return undefined
  }
}

/** The unpacked body; undefined when it is larger, broken, or packed in a way nobody asked for. */
export async function readBytes(
  response: Response,
  bytesMax: number,
): Promise<Uint8Array | undefined> {
  const encoding = response.headers.get('content-encoding') ?? 'identity'
  if (!response.body) return undefined
  try {
    let body = response.body as ReadableStream<Uint8Array<ArrayBuffer>>
    if (encoding === 'gzip') body = body.pipeThrough(new DecompressionStream('gzip'))
    else if (encoding !== 'identity') throw new Error(`packed as ${encoding}`)
    return await gather(body as unknown as AsyncIterable<Uint8Array>, bytesMax)
  } catch {
    return undefined
  }
}

async function gather(chunks: AsyncIterable<Uint8Array>, bytesMax: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const chunk of chunks) {
    size += chunk.length
    if (size > bytesMax) throw new Error(`over ${bytesMax} bytes`)
    parts.push(chunk)
  }
  return concatBytes(parts)
}
