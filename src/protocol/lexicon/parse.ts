import { isNsid, isRecordKey, ProtocolError } from '#protocol/syntax'
import { isDefinitionName, isRef, type LexiconDocument } from './document.ts'

/** Most definitions a document may have. */
export const maxDefinitions = 1000
/** Most entries of any list or map inside a document. */
export const maxEntries = 2000
/** Deepest nesting of types inside one definition. */
export const maxTypeDepth = 32

type Json = Record<string, unknown>
type Rule = (at: Json, path: string, depth: number) => void

/**
 * Checks that JSON is a well-formed lexicon document and gives it back, typed. Unknown fields are
 * left alone (documents may come from a newer specification), unknown types are not. Throws
 * ProtocolError 'InvalidLexicon' naming the place. https://atproto.com/specs/lexicon
 */
export function parseLexicon(json: unknown): LexiconDocument {
  const document = object(json, 'document')
  if (document.lexicon !== 1) throw bad('lexicon', 'must be 1')
  if (!isNsid(document.id)) throw bad('id', 'must be an NSID')
  optional(document, 'description', 'document', isText)
  const defs = map(document.defs, 'defs')
  const names = Object.keys(defs)
  if (names.length === 0 || names.length > maxDefinitions) {
    throw bad('defs', `must hold 1 to ${maxDefinitions} definitions`)
  }
  for (const name of names) {
    if (!isDefinitionName(name)) throw bad(`defs.${name}`, 'is not a definition name')
    parseDefinition(defs[name], name)
  }
  return json as LexiconDocument
}

function parseDefinition(value: unknown, name: string): void {
  const path = `defs.${name}`
  const definition = object(value, path)
  const { type } = definition
  const primary = ruleOf(primaryRules, type)
  if (primary !== undefined) {
    if (name !== 'main') throw bad(path, `a ${type} must be named main`)
    primary(definition, path, 0)
    return
  }
  if (type === 'token') return
  if (type === 'ref' || type === 'union' || type === 'unknown') {
    throw bad(path, `a ${type} has no name of its own`)
  }
  parseField(definition, path, 0)
}

function parseField(value: unknown, path: string, depth: number): void {
  const field = object(value, path)
  if (depth > maxTypeDepth) throw bad(path, 'is nested too deeply')
  const rule = ruleOf(fieldRules, field.type)
  if (rule === undefined) throw bad(path, 'has an unknown type')
  optional(field, 'description', path, isText)
  rule(field, path, depth)
}

function ruleOf(rules: Readonly<Record<string, Rule>>, type: unknown): Rule | undefined {
  return typeof type === 'string' && Object.hasOwn(rules, type) ? rules[type] : undefined
}

const fieldRules: Readonly<Record<string, Rule>> = {
  boolean(at, path) {
    optional(at, 'default', path, isBoolean)
    optional(at, 'const', path, isBoolean)
  },
  integer(at, path) {
    for (const name of ['default', 'const', 'minimum', 'maximum']) {
      optional(at, name, path, Number.isSafeInteger)
    }
    optionalList(at, 'enum', path, Number.isSafeInteger)
    ordered(at, 'minimum', 'maximum', path)
  },
  string(at, path) {
    for (const name of ['format', 'default', 'const']) optional(at, name, path, isText)
    for (const name of ['enum', 'knownValues']) optionalList(at, name, path, isText)
    sizes(at, path, 'minLength', 'maxLength')
    sizes(at, path, 'minGraphemes', 'maxGraphemes')
  },
  bytes: (at, path) => sizes(at, path, 'minLength', 'maxLength'),
  'cid-link': () => {},
  blob(at, path) {
    optional(at, 'maxSize', path, isSize)
    optionalList(at, 'accept', path, isText)
  },
  array(at, path, depth) {
    sizes(at, path, 'minLength', 'maxLength')
    parseField(at.items, `${path}.items`, depth + 1)
  },
  object: parseObject,
  ref(at, path) {
    if (!isRef(at.ref)) throw bad(`${path}.ref`, 'is not a reference')
  },
  union(at, path) {
    list(at.refs, `${path}.refs`, isRef)
    optional(at, 'closed', path, isBoolean)
    if (at.closed === true && (at.refs as unknown[]).length === 0) {
      throw bad(path, 'a closed union needs members')
    }
  },
  unknown: () => {},
}

function parseObject(at: Json, path: string, depth: number): void {
  const properties = at.properties === undefined ? {} : map(at.properties, `${path}.properties`)
  for (const [name, property] of Object.entries(properties)) {
    parseField(property, `${path}.properties.${name}`, depth + 1)
  }
  for (const name of ['required', 'nullable']) {
    // Names without a property are seen in the wild; a required one can then never be met.
    optionalList(at, name, path, isText)
  }
}

const primaryRules: Readonly<Record<string, Rule>> = {
  record(at, path, depth) {
    if (!isKeyType(at.key)) throw bad(`${path}.key`, 'is not a record key type')
    const record = object(at.record, `${path}.record`)
    if (record.type !== 'object') throw bad(`${path}.record`, 'must be an object')
    parseObject(record, `${path}.record`, depth + 1)
  },
  query(at, path, depth) {
    parseParams(at.parameters, `${path}.parameters`, depth)
    parseBody(at.output, `${path}.output`, depth)
  },
  procedure(at, path, depth) {
    parseParams(at.parameters, `${path}.parameters`, depth)
    parseBody(at.input, `${path}.input`, depth)
    parseBody(at.output, `${path}.output`, depth)
  },
  subscription(at, path, depth) {
    parseParams(at.parameters, `${path}.parameters`, depth)
    if (at.message === undefined) return
    const message = object(at.message, `${path}.message`)
    parseBodySchema(message.schema, `${path}.message.schema`, depth)
  },
  'permission-set'(at, path) {
    list(at.permissions, `${path}.permissions`, isPermission)
    optional(at, 'title', path, isText)
    optional(at, 'detail', path, isText)
  },
}

function parseParams(value: unknown, path: string, depth: number): void {
  if (value === undefined) return
  const params = object(value, path)
  if (params.type !== 'params') throw bad(path, 'must be of type params')
  parseObject(params, path, depth)
  for (const [name, property] of Object.entries((params.properties ?? {}) as Json)) {
    const field = property as Json
    const type = field.type === 'array' ? (field.items as Json).type : field.type
    if (type !== 'boolean' && type !== 'integer' && type !== 'string' && type !== 'unknown') {
      throw bad(`${path}.properties.${name}`, 'cannot stand in a query string')
    }
  }
}

function parseBody(value: unknown, path: string, depth: number): void {
  if (value === undefined) return
  const body = object(value, path)
  if (!isText(body.encoding)) throw bad(`${path}.encoding`, 'must be a media type')
  if (body.schema !== undefined) parseBodySchema(body.schema, `${path}.schema`, depth)
}

function parseBodySchema(value: unknown, path: string, depth: number): void {
  const schema = object(value, path)
  if (schema.type !== 'object' && schema.type !== 'ref' && schema.type !== 'union') {
    throw bad(path, 'must be an object, a ref or a union')
  }
  parseField(schema, path, depth + 1)
}

function isKeyType(value: unknown): boolean {
  if (value === 'tid' || value === 'nsid' || value === 'any') return true
  if (typeof value !== 'string' || !value.startsWith('literal:')) return false
  return isRecordKey(value.slice('literal:'.length))
}

function isPermission(value: unknown): boolean {
  return isObject(value) && value.type === 'permission' && isText(value.resource)
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
function isText(value: unknown): boolean {
  return typeof value === 'string'
}
function isBoolean(value: unknown): boolean {
  return typeof value === 'boolean'
}
function isSize(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function object(value: unknown, path: string): Json {
  if (!isObject(value)) throw bad(path, 'must be an object')
  return value
}

function map(value: unknown, path: string): Json {
  const entries = object(value, path)
  const names = Object.keys(entries)
  if (names.length > maxEntries) throw bad(path, 'has too many entries')
  if (names.includes('__proto__')) throw bad(path, 'has a name that is not allowed')
  return entries
}

function list(value: unknown, path: string, check: (item: unknown) => boolean): void {
  if (!Array.isArray(value)) throw bad(path, 'must be a list')
  if (value.length > maxEntries) throw bad(path, 'has too many entries')
  if (!value.every(check)) throw bad(path, 'has an entry of the wrong kind')
}

function optional(at: Json, name: string, path: string, check: (v: unknown) => boolean): void {
  if (at[name] !== undefined && !check(at[name]))
    throw bad(`${path}.${name}`, 'is of the wrong kind')
}

function optionalList(at: Json, name: string, path: string, check: (v: unknown) => boolean): void {
  if (at[name] !== undefined) list(at[name], `${path}.${name}`, check)
}

function sizes(at: Json, path: string, low: string, high: string): void {
  optional(at, low, path, isSize)
  optional(at, high, path, isSize)
  ordered(at, low, high, path)
}

function ordered(at: Json, low: string, high: string, path: string): void {
  if (at[low] === undefined || at[high] === undefined) return
  if ((at[low] as number) > (at[high] as number)) throw bad(path, `${low} is above ${high}`)
}

function bad(path: string, what: string): ProtocolError {
  return new ProtocolError('InvalidLexicon', `Invalid lexicon: ${path.slice(0, 300)} ${what}`)
}
