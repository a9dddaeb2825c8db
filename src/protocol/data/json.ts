import { BytesWrapper, type CidLink, CidLinkWrapper, fromBytes } from '@atcute/cbor'
import { ProtocolError } from '#protocol/syntax'
import { MAX_DEPTH } from './cbor-scan.ts'
import { parseCid } from './cid.ts'

/** Half a surrogate pair; `isWellFormed` would do, but is missing in browsers the client serves. */
const LONE_SURROGATE = /\p{Surrogate}/u

/** An object of the data model: a record, or part of one. */
export interface DataObject {
  [key: string]: unknown
}

/**
 * The value that JSON of atproto stands for: `{"$link": …}` and `{"$bytes": …}` become links and
 * bytes, the rest stays. What needs no change is returned as it came, not copied. The way back is
 * `JSON.stringify`. Throws 'InvalidValue' for what the data model does not have: a top that is no
 * object, floats, integers beyond 2^53-1, lone surrogates, `$type` that is not text, malformed links,
 * bytes and blobs, more than 64 levels. https://atproto.com/specs/data-model
 */
export function fromJson(json: unknown): DataObject {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw wrong('not an object')
  return convert(json, 1) as DataObject
}

function convert(value: unknown, depth: number): unknown {
  switch (typeof value) {
    case 'boolean':
    case 'undefined':
      return value
    case 'string':
      if (LONE_SURROGATE.test(value)) throw wrong('text with half a surrogate pair')
      return value
    case 'number':
      if (!Number.isSafeInteger(value)) throw wrong(`not an integer below 2^53: ${value}`)
      return value
    case 'object':
      if (value === null) return value
      if (depth > MAX_DEPTH) throw wrong(`more than ${MAX_DEPTH} levels`)
      return Array.isArray(value) ? convertArray(value, depth) : convertObject(value, depth)
    default:
      throw wrong(`a ${typeof value}`)
  }
}

function convertArray(array: unknown[], depth: number): unknown[] {
  let result = array
  for (let i = 0; i < array.length; i++) {
    const before = array[i]
    if (before === undefined) throw wrong('an array with a hole')
    const after = convert(before, depth + 1)
    if (after === before) continue
    if (result === array) result = array.slice()
    result[i] = after
  }
  return result
}

function convertObject(object: object, depth: number): unknown {
  if (object instanceof CidLinkWrapper || object instanceof BytesWrapper) return object
  const source = object as DataObject
  if (Object.hasOwn(source, '$link')) return toLink(source)
  if (Object.hasOwn(source, '$bytes')) return toByteString(source)
  let result = source
  for (const key of Object.keys(source)) {
    if (LONE_SURROGATE.test(key)) throw wrong('a key with half a surrogate pair')
    const before = source[key]
    const after = convert(before, depth + 1)
    if (after === before) continue
    if (result === source) result = { ...source }
    Object.defineProperty(result, key, {
      value: after,
      configurable: true,
      enumerable: true,
      writable: true,
    })
  }
  if (Object.hasOwn(source, '$type')) checkType(result)
  return result
}

function toLink(source: DataObject): CidLink {
  const text = source.$link
  if (typeof text !== 'string' || Object.keys(source).length !== 1) throw wrong('a malformed link')
  return new CidLinkWrapper(parseCid(text))
}

function toByteString(source: DataObject): BytesWrapper {
  const text = source.$bytes
  if (typeof text !== 'string' || Object.keys(source).length !== 1) throw wrong('malformed bytes')
  try {
    return new BytesWrapper(fromBytes({ $bytes: text }))
  } catch (cause) {
    throw new ProtocolError('InvalidValue', 'bytes that are not base64', { cause })
  }
}

function checkType(object: DataObject): void {
  const type = object.$type
  if (typeof type !== 'string' || type === '') throw wrong('$type that is not text')
  if (type !== 'blob') return
  const { ref, mimeType, size } = object
  const sound = ref instanceof CidLinkWrapper && typeof mimeType === 'string' && mimeType !== ''
  if (!sound || typeof size !== 'number' || size < 0) throw wrong('a malformed blob')
}

function wrong(what: string): ProtocolError {
  return new ProtocolError('InvalidValue', `not a value of the data model: ${what}`)
}
