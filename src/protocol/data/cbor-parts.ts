import { encode } from '@atcute/cbor'
import { compareBytes, concatBytes } from './bytes.ts'
import { MAX_DEPTH } from './cbor-scan.ts'

const ARRAY = 4
const MAP = 5

/**
 * Encodes a value in which an object has a property named `constructor`, or has no prototype: sound in
 * the data model, but the encoder of `@atcute/cbor` asks an object's constructor whether it is a plain
 * one. Slow and rare. Undefined when there is no such object, or the value has no encoding.
 */
export function encodeByParts(value: unknown): Uint8Array | undefined {
  if (!hidesItsKind(value, 1)) return undefined
  try {
    return part(value, 1)
  } catch {
    return undefined
  }
}

function part(value: unknown, depth: number): Uint8Array {
  if (!hidesItsKind(value, depth)) return encode(value)
  if (Array.isArray(value)) {
    return concatBytes([head(ARRAY, value.length), ...value.map((item) => part(item, depth + 1))])
  }
  const entries = Object.entries(value as object).filter(([, item]) => item !== undefined)
  // An encoded key begins with its length, so that encoded keys sort as DAG-CBOR wants them.
  const encoded = entries.map(([key, item]) => [encode(key), part(item, depth + 1)] as const)
  encoded.sort(([a], [b]) => compareBytes(a, b))
  return concatBytes([head(MAP, encoded.length), ...encoded.flat()])
}

/** Whether such an object is in the value, as deep as values may be. */
function hidesItsKind(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH + 1) return false
  if (Array.isArray(value)) return value.some((item) => hidesItsKind(item, depth + 1))
  const prototype = Object.getPrototypeOf(value)
  if (prototype === null) return true
  if (prototype !== Object.prototype) return false
  if (Object.hasOwn(value, 'constructor')) return true
  return Object.values(value).some((item) => hidesItsKind(item, depth + 1))
}

/** A container's first bytes: those of its length as an integer, with the kind in the top bits. */
function head(kind: number, length: number): Uint8Array {
  const bytes = encode(length)
  bytes[0] = bytes[0]! | (kind << 5)
  return bytes
}
