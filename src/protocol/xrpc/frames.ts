import { decodeCbor, decodeCborFirst, encodeCbor } from '#protocol/data'
import { ProtocolError } from '#protocol/syntax'

/** A message of an event stream: its type (`#commit`) and its decoded body. */
export interface MessageFrame {
  type: string
  body: unknown
}

/** The last frame of a stream that failed. */
export interface ErrorFrame {
  error: string
  message: string | undefined
}

/** Largest frame that is taken apart: 5 MB, the limit of the event stream specification. */
export const maxFrameBytes = 5_000_000

const headers = new Map<string, Uint8Array>()
const maxCachedHeaders = 64

/**
 * An event-stream message: DAG-CBOR header `{ op: 1, t: type }` and body, back to back.
 * https://atproto.com/specs/event-stream
 */
export function encodeFrame(type: string, body: unknown): Uint8Array {
  return joinFrame(frameHeader(type), encodeCbor(body))
}

/** The encoded header of a message type, to be put in front of a body encoded elsewhere. */
export function frameHeader(type: string): Uint8Array {
  let header = headers.get(type)
  if (header === undefined) {
    header = encodeCbor({ op: 1, t: type })
    if (headers.size < maxCachedHeaders) headers.set(type, header)
  }
  return header
}

/** An error frame; the stream ends after it. */
export function encodeErrorFrame(error: string, message?: string): Uint8Array {
  const body = message === undefined ? { error } : { error, message }
  return joinFrame(encodeCbor({ op: -1 }), encodeCbor(body))
}

/** Header and body as one frame. */
export function joinFrame(header: Uint8Array, body: Uint8Array): Uint8Array {
  const frame = new Uint8Array(header.length + body.length)
  frame.set(header)
  frame.set(body, header.length)
  return frame
}

/**
 * Takes a frame apart, strictly: two canonical DAG-CBOR items and nothing else, a known `op`, a
 * `t` on messages, a body that is a map. Throws ProtocolError 'InvalidFrame' on anything else.
 */
export function decodeFrame(frame: Uint8Array): MessageFrame | ErrorFrame {
  const { op, type, bodyBytes } = splitFrame(frame)
  const body = decoded(() => decodeCbor(bodyBytes))
  if (!isMap(body)) throw invalidFrame('the body is not a map')
  if (op === 1) return { type: type!, body }
  const { error, message } = body
  if (typeof error !== 'string') throw invalidFrame('an error frame names no error')
  return { error, message: typeof message === 'string' ? message : undefined }
}

/** The header of a frame, decoded, and the bytes of its body, not yet looked at. */
export function splitFrame(frame: Uint8Array): {
  op: 1 | -1
  type: string | undefined
  bodyBytes: Uint8Array
} {
  if (frame.length > maxFrameBytes) throw invalidFrame('larger than 5 MB')
  const [header, rest] = decoded(() => decodeCborFirst(frame))
  if (!isMap(header)) throw invalidFrame('the header is not a map')
  const { op, t } = header
  if (op === -1) return { op, type: undefined, bodyBytes: rest }
  if (op !== 1) throw invalidFrame('the header has no known op')
  if (typeof t !== 'string' || t === '') throw invalidFrame('a message without a type')
  return { op, type: t, bodyBytes: rest }
}

function decoded<T>(decode: () => T): T {
  try {
    return decode()
  } catch (thrown) {
    throw invalidFrame(thrown instanceof Error ? thrown.message : 'not DAG-CBOR')
  }
}

function isMap(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !('$link' in value) &&
    !('$bytes' in value)
  )
}

function invalidFrame(reason: string): ProtocolError {
  return new ProtocolError('InvalidFrame', `Invalid frame: ${reason}`)
}
