/** The directory's HTTP API. https://web.plc.directory/api/redoc */
import type { HttpRequest, HttpResponse } from '#platform/runtime'
import {
  type AnyPlcOperation,
  isPlcDid,
  type PlcData,
  plcData,
  plcDocument,
  validatePlcOperation,
} from '#protocol/identity'
import type { Did } from '#protocol/syntax'
import { parseJson } from '#protocol/xrpc'
import { json, lines, PREFLIGHT, plain } from './answers.ts'
import type { Follower } from './follower.ts'
import { type Forwarding, forward } from './forwarding.ts'
import type { Held } from './held.ts'
import { auditLine, type Operations, sequencedLine } from './operations.ts'
import { Problem } from './problem.ts'
import type { Tail } from './tail.ts'

/** Bytes of a submitted operation as JSON; 4,000 bytes of CBOR, every character escaped, are 24,000. */
const BODY_BYTES = 32 * 1024
/** Most lines of one export page. */
const EXPORT_MAX = 1_000

export interface Parts {
  operations: Operations
  tail: Tail
  version: string
  /** What makes the directory a replica. */
  replica: { follower: Follower; held: Held; forwarding: Forwarding } | undefined
}

const ABOUT = `A did:plc directory.

GET  /<did>             the DID document
GET  /<did>/data        its state
GET  /<did>/log         operations in force
GET  /<did>/log/last    the last of them
GET  /<did>/log/audit   all operations, with times
POST /<did>             submit an operation
GET  /export            all operations of all DIDs, ?after= a time or a seq, ?count=
     /export/stream     the same as a WebSocket, ?cursor= a seq
`
const ABOUT_REPLICA = `
This is a replica.

GET  /_replica          what it follows, and how far it is
GET  /_held             operations of the upstream that do not verify, ?after= a seq, ?count=
`

/** Answers a request, or throws why not. */
export async function route(parts: Parts, request: HttpRequest): Promise<HttpResponse> {
  const { method, path } = request
  if (method === 'OPTIONS') return PREFLIGHT
  const [first = '', ...rest] = path.slice(1).split('/')
  const page = rest.join('/')
  if (method === 'POST' && page === '') return await submit(parts, didIn(first), request)
  if (method !== 'GET' && method !== 'HEAD')
    throw new Problem(405, 'Method not allowed', { allow: 'GET, HEAD, POST, OPTIONS' })
  if (path === '/') return plain(parts.replica ? ABOUT + ABOUT_REPLICA : ABOUT)
  if (parts.replica && path === '/_replica') return json(parts.replica.follower.status())
  if (parts.replica && path === '/_held') return await heldPage(parts.replica.held, request.query)
  if (path === '/_health' || path === '/xrpc/_health') return await health(parts)
  if (path === '/export') return await exported(parts, new URLSearchParams(request.query))
  if (path === '/export/stream')
    throw new Problem(426, 'Upgrade required', { upgrade: 'websocket' })
  const read = READS.get(page)
  if (read === undefined) throw new Problem(404, 'Not found')
  return await read(parts, didIn(first))
}

type Read = (parts: Parts, did: Did) => Promise<HttpResponse>

/** What can be read of a DID, by the path behind it. */
const READS = new Map<string, Read>(
  Object.entries<Read>({
    '': async (parts, did) => json(plcDocument(await state(parts, did)), 'application/did+ld+json'),
    data: async (parts, did) => json(await state(parts, did)),
    log: async ({ operations }, did) =>
      json(list(registered(did, await operations.inForce(did)).map((row) => row.body))),
    'log/audit': async ({ operations }, did) =>
      json(list(registered(did, await operations.all(did)).map(auditLine))),
    'log/last': async ({ operations }, did) => {
      const last = await operations.last(did)
      if (last === undefined) throw notRegistered(did)
      return json(last.body)
    },
  }),
)

async function state({ operations }: Parts, did: Did): Promise<PlcData> {
  const last = await operations.last(did)
  if (last === undefined) throw notRegistered(did)
  const data = plcData(did, JSON.parse(last.body) as AnyPlcOperation)
  if (data === undefined) throw new Problem(410, `DID not available: ${did}`)
  return data
}

function registered<T>(did: Did, rows: readonly T[]): readonly T[] {
  if (rows.length === 0) throw notRegistered(did)
  return rows
}

function notRegistered(did: string): Problem {
  return new Problem(404, `DID not registered: ${did}`)
}

function list(entries: readonly string[]): string {
  return `[${entries.join(',')}]`
}

/** The DID of a path, where clients write its colons as they are or as `%3A`. */
function didIn(segment: string): Did {
  const did = segment.replaceAll(/%3a/gi, ':')
  if (!isPlcDid(did)) throw notRegistered(did.slice(0, 100))
  return did
}

async function submit(parts: Parts, did: Did, request: HttpRequest): Promise<HttpResponse> {
  const operation = validatePlcOperation(parseJson(await bodyOf(request)))
  if (parts.replica) {
    await forward(parts.replica.forwarding, did, operation)
    return plain('OK')
  }
  const seq = await parts.operations.accept(did, operation)
  if (seq !== undefined) parts.tail.announce(seq)
  return plain('OK')
}

async function bodyOf({ body }: HttpRequest): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body instanceof Uint8Array ? [body] : (body ?? [])) {
    size += chunk.length
    if (size > BODY_BYTES) throw new Problem(413, `An operation is at most ${BODY_BYTES} bytes`)
    chunks.push(chunk)
  }
  const whole = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.length
  }
  return whole
}

async function health({ operations, version }: Parts): Promise<HttpResponse> {
  try {
    await operations.newestSeq()
  } catch {
    const body = JSON.stringify({ version, error: 'Service Unavailable' })
    return { ...json(body), status: 503 }
  }
  return json({ version })
}

async function heldPage(held: Held, text: string): Promise<HttpResponse> {
  const query = new URLSearchParams(text)
  const count = Math.min(naturalIn(query, 'count') ?? EXPORT_MAX, EXPORT_MAX)
  return lines(await held.lines(naturalIn(query, 'after') ?? 0, count))
}

/** By seq when `after` is a number; else by time, the older form, which also shows what was taken back. */
async function exported({ operations }: Parts, query: URLSearchParams): Promise<HttpResponse> {
  const count = Math.min(naturalIn(query, 'count') ?? EXPORT_MAX, EXPORT_MAX)
  if (count === 0) throw new Problem(400, 'Invalid count parameter')
  const after = query.get('after')
  if (after !== null && /^\d+$/.test(after)) {
    const rows = await operations.afterSeq(naturalIn(query, 'after')!, count)
    return lines(rows.map(sequencedLine))
  }
  const ms = after === null || after === '' ? -Infinity : Date.parse(after)
  if (Number.isNaN(ms)) throw new Problem(400, 'Invalid after parameter')
  const rows = await operations.afterTime(Math.max(ms, -1), count)
  return lines(rows.map(auditLine))
}

/** A query parameter that is a whole number; undefined when absent or empty. */
export function naturalIn(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name)
  if (text === null || text === '') return undefined
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (Number.isNaN(value)) throw new Problem(400, `Invalid ${name} parameter`)
  return value
}
