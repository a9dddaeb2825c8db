/** What a reader asks for: in the query of /subscribe, and in messages while it reads. */
import { type HttpRequest, invalidRequest } from '#protocol/xrpc'
import { type Filter, makeFilter } from './filter.ts'

export interface SubscribeOptions {
  filter: Filter
  /** Microseconds since 1970; undefined for "from now on". */
  cursorUs: number | undefined
  /** Nothing is sent before the first options message. */
  requireHello: boolean
}

/** Throws InvalidRequest: the stream is then not opened. */
export function readOptions({ query, headers }: HttpRequest): SubscribeOptions {
  const params = new URLSearchParams(query)
  const all = (name: string) => params.getAll(name).filter((text) => text !== '')
  const isCompressed = headers['socket-encoding']?.includes('zstd')
  if (params.get('compress') === 'true' || isCompressed) {
    throw invalidRequest('compression is not offered here: leave out compress')
  }
  return {
    filter: makeFilter({
      wantedCollections: all('wantedCollections'),
      wantedDids: all('wantedDids'),
      maxMessageSizeBytes: readSize(params.get('maxMessageSizeBytes')),
    }),
    cursorUs: readCursor(params.get('cursor')),
    requireHello: params.get('requireHello') === 'true',
  }
}

function readCursor(text: string | null): number | undefined {
  if (text === null || text === '') return undefined
  const timeUs = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(timeUs)) throw invalidRequest('invalid cursor')
  return timeUs
}

/** As the original: what is no positive number means no limit. */
function readSize(value: unknown): number {
  const bytes = Number(value ?? 0)
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : 0
}

const decoder = new TextDecoder('utf-8', { fatal: true })

/**
 * The filter of a reader's message, which replaces the one before whole. Undefined for messages of
 * other types, which say nothing to us. Throws InvalidRequest.
 */
export function readUpdate(message: Uint8Array): Filter | undefined {
  const { type, payload } = readJson(message)
  if (type !== 'options_update') return undefined
  const fields = isObject(payload) ? payload : {}
  return makeFilter({
    wantedCollections: readList(fields.wantedCollections, 'wantedCollections'),
    wantedDids: readList(fields.wantedDids, 'wantedDids'),
    maxMessageSizeBytes: readSize(fields.maxMessageSizeBytes),
  })
}

function readJson(message: Uint8Array): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(decoder.decode(message))
    if (isObject(json)) return json
  } catch {}
  throw invalidRequest('a message must be a JSON object')
}

function readList(value: unknown, name: string): string[] {
  if (value === undefined || value === null) return []
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value
  throw invalidRequest(`${name} must be a list of texts`)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
