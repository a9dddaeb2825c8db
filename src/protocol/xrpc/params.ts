import { type BaseSchema, safeParse } from '@atcute/lexicons/validations'
import { invalidRequest } from './error.ts'

/** Turns a raw query string into checked parameters. Throws XrpcError 400 InvalidRequest. */
export type ParamsParser = (query: string) => Record<string, unknown>

type ScalarKind = 'string' | 'integer' | 'boolean'
interface Field {
  name: string
  kind: ScalarKind
  many: boolean
}

/** Longest query string that is looked at. Node's listener stops at 16 KiB of headers anyway. */
export const maxQueryLength = 32_768

/**
 * Derives the parser of one method's parameters from its schema, once. Values are typed by the
 * schema (integers, booleans, arrays by repetition), names it does not know are ignored, an empty
 * value counts as absent, a repeated scalar is refused, defaults and constraints are the schema's.
 */
export function compileParams(schema: BaseSchema | null): ParamsParser {
  if (schema === null) return parseNothing
  const fields = new Map<string, Field>()
  for (const [name, property] of Object.entries(shapeOf(schema))) {
    fields.set(name, fieldOf(name, property))
  }
  return (query) => {
    const raw = collect(query, fields)
    const result = safeParse(schema, raw)
    if (!result.ok) throw invalidRequest(`Invalid parameters: ${result.message}`)
    return result.value as Record<string, unknown>
  }
}

const nothing: Record<string, unknown> = Object.freeze({})
function parseNothing(): Record<string, unknown> {
  return nothing
}

interface SchemaView {
  type: string
  wrapped?: SchemaView
  item?: SchemaView
  shape?: Record<string, SchemaView>
  expected?: unknown
}

function shapeOf(schema: BaseSchema): Record<string, SchemaView> {
  const { shape } = schema as unknown as SchemaView
  if (shape === undefined) throw new TypeError('parameters must be an object schema')
  return shape
}

function fieldOf(name: string, property: SchemaView): Field {
  let view = property
  while (view.wrapped !== undefined) view = view.wrapped
  if (view.type !== 'array') return { name, kind: scalarKind(view), many: false }
  return { name, kind: scalarKind(view.item as SchemaView), many: true }
}

function scalarKind(view: SchemaView): ScalarKind {
  if (view.type === 'integer' || view.type === 'boolean') return view.type
  const sample = Array.isArray(view.expected) ? view.expected[0] : view.expected
  if (typeof sample === 'number') return 'integer'
  return typeof sample === 'boolean' ? 'boolean' : 'string'
}

function collect(query: string, fields: Map<string, Field>): Record<string, unknown> {
  const raw: Record<string, unknown> = {}
  const end = query.length
  if (end > maxQueryLength) throw invalidRequest('The query string is too long')
  let start = 0
  while (start < end) {
    let stop = query.indexOf('&', start)
    if (stop === -1) stop = end
    const equals = query.indexOf('=', start)
    if (equals !== -1 && equals < stop) {
      const field = lookUp(query.slice(start, equals), fields)
      if (field !== undefined && equals + 1 < stop) {
        put(raw, field, query.slice(equals + 1, stop))
      }
    }
    start = stop + 1
  }
  return raw
}

function lookUp(rawName: string, fields: Map<string, Field>): Field | undefined {
  const direct = fields.get(rawName)
  if (direct !== undefined) return direct
  const name = decode(rawName)
  // Old clients write arrays as `uris[]=…` or `uris[0]=…`.
  const bracket = name.endsWith(']') ? name.indexOf('[') : -1
  return fields.get(bracket > 0 ? name.slice(0, bracket) : name)
}

function put(raw: Record<string, unknown>, field: Field, text: string): void {
  const value = typed(field, decode(text))
  if (field.many) {
    const list = raw[field.name] as unknown[] | undefined
    if (list === undefined) raw[field.name] = [value]
    else list.push(value)
    return
  }
  if (raw[field.name] !== undefined) {
    throw invalidRequest(`Invalid parameters: ${field.name} is given more than once`)
  }
  raw[field.name] = value
}

function typed(field: Field, text: string): unknown {
  if (field.kind === 'string') return text
  if (field.kind === 'boolean') {
    if (text === 'true') return true
    if (text === 'false') return false
    throw invalidRequest(`Invalid parameters: ${field.name} must be true or false`)
  }
  const number = /^-?\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(number)) {
    throw invalidRequest(`Invalid parameters: ${field.name} must be an integer`)
  }
  return number
}

function decode(text: string): string {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text
  if (!spaced.includes('%')) return spaced
  try {
    return decodeURIComponent(spaced)
  } catch {
    throw invalidRequest('Invalid parameters: bad percent-encoding')
  }
}

/** Writes parameters as a query string: arrays by repetition, absent values left out. */
export function formatParams(params: Readonly<Record<string, unknown>>): string {
  let text = ''
  for (const [name, value] of Object.entries(params)) {
    for (const item of Array.isArray(value) ? value : [value]) {
      if (item === undefined || item === null) continue
      text += `${text === '' ? '' : '&'}${encodeURIComponent(name)}=${encodeURIComponent(String(item))}`
    }
  }
  return text
}
