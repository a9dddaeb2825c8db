import { invalidRequest, XrpcError } from './error.ts'
import type { HttpRequest } from './http.ts'

/** Default limit of a JSON body, bytes after decompression. */
export const defaultJsonBytes = 1_048_576
/** Default limit of a binary body, bytes after decompression. */
export const defaultBinaryBytes = 5_242_880
/**
 * Deepest nesting of JSON that is parsed. Records may nest 64 levels; the bodies that carry them
 * add a few, so anything that passes here and not there gets the data room's clearer error.
 */
export const maxJsonDepth = 128

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Media type of a header without its parameters, lower case; undefined when there is none. */
export function mediaType(header: string | undefined): string | undefined {
  if (header === undefined) return undefined
  const semicolon = header.indexOf(';')
  const type = (semicolon === -1 ? header : header.slice(0, semicolon)).trim().toLowerCase()
  return type === '' ? undefined : type
}

/** True when a media type is among those a lexicon accepts: `*\/*`, `image/*` or exact. */
export function acceptsType(accepted: readonly string[] | undefined, type: string): boolean {
  if (accepted === undefined || accepted.length === 0) return true
  return accepted.some(
    (pattern) =>
      pattern === '*/*' ||
      pattern === type ||
      (pattern.endsWith('/*') && type.startsWith(pattern.slice(0, -1))),
  )
}

/** Whether the request says that a body follows, as far as its head can tell. */
function saysBody(request: HttpRequest): boolean {
  if (request.body === undefined) return false
  if (request.body instanceof Uint8Array) return request.body.length > 0
  const { headers } = request
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
}

/** Refuses a body where the lexicon has none; an empty chunked one passes. */
export async function refuseBody(request: HttpRequest): Promise<void> {
  if (!saysBody(request)) return
  if (request.headers['transfer-encoding'] !== undefined) {
    let bytes = 0
    for await (const chunk of request.body as AsyncIterable<Uint8Array>) {
      bytes += chunk.length
      if (bytes > 0) break
    }
    if (bytes === 0) return
  }
  throw invalidRequest('A request body was provided when none was expected')
}

/** True when `refuseBody` has something to look at; lets the usual GET go on without a promise. */
export function hasBody(request: HttpRequest): boolean {
  return request.body !== undefined && saysBody(request)
}

/**
 * The body of a request as chunks: declared size checked first, content-encoding (gzip, deflate,
 * br) undone, bytes counted on both sides while reading. Throws 413, 415.
 */
export function boundedBody(request: HttpRequest, maxBytes: number): AsyncIterable<Uint8Array> {
  const size = sizeHint(request)
  if (size !== undefined && size > maxBytes) throw tooLarge(maxBytes)
  const body = request.body instanceof Uint8Array ? [request.body] : (request.body ?? [])
  const encoding = request.headers['content-encoding']?.trim().toLowerCase()
  const counted = limited(body, maxBytes, request.signal)
  if (encoding === undefined || encoding === '' || encoding === 'identity') return counted
  return limited(decompress(counted, encoding), maxBytes, request.signal)
}

/** What content-length says, or undefined. */
export function sizeHint(request: HttpRequest): number | undefined {
  const header = request.headers['content-length']
  if (header === undefined) return undefined
  if (!/^\d{1,15}$/.test(header)) throw invalidRequest('Invalid content-length')
  return Number(header)
}

/** Reads and parses a JSON body. Throws 400 InvalidRequest, 413 PayloadTooLarge, 415. */
export async function readJson(request: HttpRequest, maxBytes: number): Promise<unknown> {
  const plain = request.body instanceof Uint8Array && !request.headers['content-encoding']
  const bytes = plain
    ? (request.body as Uint8Array)
    : await readAll(boundedBody(request, maxBytes), maxBytes)
  if (bytes.length > maxBytes) throw tooLarge(maxBytes)
  if (bytes.length === 0) throw missingBody()
  return parseJson(bytes)
}

/** Parses JSON bytes with a depth limit, so that a body of brackets is refused cheaply. */
export function parseJson(bytes: Uint8Array): unknown {
  let text: string
  try {
    text = utf8.decode(bytes)
  } catch {
    throw invalidRequest('The request body is not UTF-8')
  }
  if (!isShallow(text, maxJsonDepth)) throw invalidRequest('The request body is nested too deeply')
  try {
    return JSON.parse(text)
  } catch {
    throw invalidRequest('The request body is not valid JSON')
  }
}

/** The whole of a stream in one array; throws 413 above the limit. */
export async function readAll(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const chunk of chunks) {
    size += chunk.length
    if (size > maxBytes) throw tooLarge(maxBytes)
    parts.push(chunk)
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

export function missingBody(): XrpcError {
  return invalidRequest('A request body is expected but none was provided')
}

function tooLarge(maxBytes: number): XrpcError {
  return new XrpcError(413, 'PayloadTooLarge', `The request body is larger than ${maxBytes} bytes`)
}

/** True when brackets outside strings never nest deeper than the limit. One pass, no allocation. */
export function isShallow(text: string, maxDepth: number): boolean {
  if (text.length <= maxDepth) return true
  let depth = 0
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code === 0x22) {
      index = endOfString(text, index)
      if (index === -1) return true
    } else if (code === 0x5b || code === 0x7b) {
      if (++depth > maxDepth) return false
    } else if (code === 0x5d || code === 0x7d) depth--
  }
  return true
}

/** Index of the quote that closes the string opened at `start`, or -1. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (end !== -1) {
    let back = end - 1
    while (text.charCodeAt(back) === 0x5c) back--
    if ((end - back) % 2 === 1) return end
    end = text.indexOf('"', end + 1)
  }
  return -1
}

async function* limited(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  maxBytes: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  let size = 0
  try {
    for await (const chunk of chunks) {
      if (signal.aborted) throw invalidRequest('The request was aborted')
      size += chunk.length
      if (size > maxBytes) throw tooLarge(maxBytes)
      if (chunk.length > 0) yield chunk
    }
  } catch (thrown) {
    throw bodyError(thrown)
  }
}

/**
 * A listener has limits of its own (pace, size) and an error of its own for them, which says with
 * `status` and `code` what the caller may be told.
 */
function bodyError(thrown: unknown): unknown {
  if (thrown instanceof XrpcError || !(thrown instanceof Error)) return thrown
  const { status, code } = thrown as Error & { status?: unknown; code?: unknown }
  const isCallers = typeof status === 'number' && status >= 400 && status < 500
  if (!isCallers || typeof code !== 'string') return thrown
  return new XrpcError(status, code, thrown.message, { cause: thrown })
}

const formats: Readonly<Record<string, string>> = {
  gzip: 'gzip',
  'x-gzip': 'gzip',
  deflate: 'deflate',
  br: 'brotli',
}

async function* decompress(
  chunks: AsyncGenerator<Uint8Array>,
  encoding: string,
): AsyncGenerator<Uint8Array> {
  const stream = decompressor(encoding)
  const source = new ReadableStream<BufferSource>({
    async pull(controller) {
      const next = await chunks.next()
      if (next.done) controller.close()
      else controller.enqueue(next.value as BufferSource)
    },
    async cancel() {
      await chunks.return(undefined)
    },
  })
  try {
    for await (const chunk of source.pipeThrough(stream)) yield chunk as Uint8Array
  } catch (thrown) {
    if (thrown instanceof XrpcError) throw thrown
    throw invalidRequest(`The request body is not valid ${encoding}`, thrown)
  }
}

function decompressor(encoding: string): DecompressionStream {
  const format = formats[encoding]
  try {
    if (format !== undefined) return new DecompressionStream(format as CompressionFormat)
  } catch {
    // A machine without brotli: the same answer as for an encoding nobody knows.
  }
  throw new XrpcError(415, 'UnsupportedMediaType', `Unsupported content-encoding: ${encoding}`)
}
