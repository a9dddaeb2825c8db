/** Writing responses: small ones in one write, streams with back-pressure. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { drained } from './drained.ts'
import type { Log } from './log.ts'
import type { HttpResponse } from './shapes.ts'

/** A request body nobody read is taken and dropped for this long, so that the answer is seen. */
const DUMP_MS = 10_000
/** The client stopped sending: there is nothing to take and drop. */
const REQUEST_TIMEOUT = 408

/** Bytes up to this cost less to copy than a second piece does to write. */
const ONE_WRITE_BYTES = 16 * 1024

interface Whole {
  response: ServerResponse
  body: string | Uint8Array | undefined
  answer: HttpResponse
}

/** Answers of this turn of the loop that are whole. */
let ready: Whole[] = []

/**
 * Ends a response when the loop turns, with all that were answered meanwhile. A write may wake a client that sleeps,
 * which costs more than the answer: this way one that waits for many is woken once.
 */
function endAtTurn(whole: Whole): void {
  if (ready.push(whole) === 1) setImmediate(endReady)
}

function endReady(): void {
  const ended = ready
  ready = []
  for (const { response, body, answer } of ended) {
    if (response.destroyed) continue
    if (answer.isStillTrue?.() === false) {
      response.destroy()
      continue
    }
    if (body === undefined) response.end()
    else if (typeof body === 'string' || body.length > ONE_WRITE_BYTES) response.end(body)
    // As text it goes out in one piece with the headers, byte for byte.
    else response.end(latin1(body), 'latin1')
  }
}

function latin1({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('latin1')
}

/** Sends a response. Never throws: a failure while streaming cuts the connection and is logged. */
export function send(
  message: IncomingMessage,
  response: ServerResponse,
  answer: HttpResponse,
  id: string,
  stallMs: number,
  log: Log,
): void {
  const { body } = answer
  const whole = body === undefined || typeof body === 'string' || body instanceof Uint8Array
  if (response.destroyed || response.headersSent) {
    if (!whole) void abandon(body)
    return
  }
  const headers: string[] = []
  if (!message.complete && hasBody(message)) {
    if (answer.status === REQUEST_TIMEOUT) headers.push('connection', 'close')
    else dumpBriefly(message, response)
  }
  let hasLength = false
  for (const name in answer.headers) {
    headers.push(name, answer.headers[name]!)
    hasLength ||= name.toLowerCase() === 'content-length'
  }
  for (const cookie of answer.cookies ?? []) headers.push('set-cookie', cookie)
  headers.push('x-request-id', id)
  if (whole) {
    const bodyless = answer.status === 204 || answer.status === 304
    if (!bodyless && !hasLength) headers.push('content-length', String(lengthOf(body)))
    response.writeHead(answer.status, headers)
    const sent = bodyless || message.method === 'HEAD' ? undefined : body
    endAtTurn({ response, body: sent, answer })
    return
  }
  response.writeHead(answer.status, headers)
  if (message.method === 'HEAD') {
    response.end()
    void abandon(body)
  } else void stream(response, body, stallMs, log, id)
}

/** What comes without a body is complete, though the parser may not have said so yet. */
function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length']
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0')
}

function lengthOf(body: string | Uint8Array | undefined): number {
  if (body === undefined) return 0
  return typeof body === 'string' ? Buffer.byteLength(body) : body.length
}

async function stream(
  response: ServerResponse,
  body: AsyncIterable<Uint8Array>,
  stallMs: number,
  log: Log,
  id: string,
): Promise<void> {
  try {
    for await (const chunk of body) {
      if (response.destroyed) return
      if (response.write(chunk, done(chunk))) continue
      if (await drained(response, stallMs)) continue
      response.destroy()
      return
    }
    response.end()
  } catch (error) {
    const gone = response.destroyed
    response.destroy()
    if (!gone) log.error('response broke off', { request: id, error })
  }
}

/** Tells a chunk that asks for it when the socket has taken it. */
function done(chunk: Uint8Array & Partial<Disposable>): (() => void) | undefined {
  return chunk[Symbol.dispose] && (() => chunk[Symbol.dispose]?.())
}

async function abandon(body: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    await body[Symbol.asyncIterator]().return?.()
  } catch {
    // it was not wanted; how it ends is nobody's concern
  }
}

function dumpBriefly(message: IncomingMessage, response: ServerResponse): void {
  response.once('finish', () => message.resume())
  const timer = setTimeout(() => {
    if (!message.complete) message.socket.destroy()
  }, DUMP_MS)
  timer.unref()
  message.once('close', () => clearTimeout(timer))
}

/** Answers an upgrade with a plain response, and closes. */
export function refuseUpgrade(socket: Duplex, answer: HttpResponse, id: string): void {
  const whole = typeof answer.body === 'string' || answer.body instanceof Uint8Array
  const body = whole ? Buffer.from(answer.body as string) : Buffer.alloc(0)
  const headers: Record<string, string> = {
    ...answer.headers,
    'content-length': String(body.length),
    'x-request-id': id,
    connection: 'close',
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const reason = process.getBuiltinModule('node:http').STATUS_CODES[answer.status] ?? 'Refused'
  socket.write(`HTTP/1.1 ${answer.status} ${reason}\r\n${lines.join('')}\r\n`)
  socket.end(body)
}
