import { decode, decodeFirst, encode } from '@atcute/cbor'
import { ProtocolError } from '#protocol/syntax'
import { encodeByParts } from './cbor-parts.ts'
import { scanCbor } from './cbor-scan.ts'

/**
 * The one encoding DAG-CBOR has for a value. Links are `CidLink`s, bytes `Bytes`; a property that is
 * undefined is left out. Throws 'InvalidValue' for what atproto's data model does not have: floats,
 * integers beyond 2^53-1, other objects, more than 64 levels.
 * https://atproto.com/specs/data-model
 */
export function encodeCbor(value: unknown): Uint8Array {
  let bytes: Uint8Array
  try {
    bytes = encode(value)
  } catch (cause) {
    const parts = encodeByParts(value)
    if (parts === undefined) {
      throw new ProtocolError('InvalidValue', `cannot be encoded: ${reason(cause)}`, { cause })
    }
    bytes = parts
  }
  const wrong = scanCbor(bytes)
  if (wrong !== undefined) throw new ProtocolError('InvalidValue', `cannot be encoded: ${wrong}`)
  return bytes
}

/**
 * The value these bytes encode. Byte strings and links in it are views of the input. Throws
 * 'InvalidCbor' for anything but exactly one value in its one DAG-CBOR encoding: also for floats,
 * integers beyond 2^53-1, malformed UTF-8, tags other than 42, trailing bytes, more than 64 levels.
 */
export function decodeCbor(bytes: Uint8Array): unknown {
  refuseScanned(bytes)
  try {
    return decode(bytes)
  } catch (cause) {
    throw new ProtocolError('InvalidCbor', `not DAG-CBOR: ${reason(cause)}`, { cause })
  }
}

/** As `decodeCbor`, for bytes that go on behind the value: gives the value and those bytes. */
export function decodeCborFirst(bytes: Uint8Array): [value: unknown, rest: Uint8Array] {
  refuseScanned(bytes)
  try {
    return decodeFirst(bytes)
  } catch (cause) {
    throw new ProtocolError('InvalidCbor', `not DAG-CBOR: ${reason(cause)}`, { cause })
  }
}

function refuseScanned(bytes: Uint8Array): void {
  const wrong = scanCbor(bytes)
  if (wrong !== undefined) throw new ProtocolError('InvalidCbor', `not DAG-CBOR: ${wrong}`)
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : 'unknown'
}
