/** What a host's frames say, before anything of it is believed. */
import { decodeCbor } from '#protocol/data'
import { type Did, isDid } from '#protocol/syntax'
import { decodeFrame, splitFrame } from '#protocol/xrpc'
import { findSeq, type SeqPlace } from './renumber.ts'
import { type EventType, isEventType } from './stored-event.ts'

/** One decoded event. Its body holds views of the frame. */
export interface Arrival {
  type: EventType
  did: Did
  body: Record<string, unknown>
  /** Its number at the source. */
  sourceSeq: number
  frame: Uint8Array
  /** The body as it came, and where in it the seq is. */
  bodyBytes: Uint8Array
  seqPlace: SeqPlace
}

/** A frame that is no event for us to judge. */
export type Oddity = 'malformed' | 'unknown-type' | 'info' | { error: string }

/** Keys of the stream have so many bytes; DIDs of today's methods have at most 261 characters. */
const DID_LENGTH_MAX = 255

/** Takes a frame apart, strictly. Never throws. */
export function readArrival(frame: Uint8Array | string): Arrival | Oddity {
  if (typeof frame === 'string') return 'malformed'
  try {
    const { op, type, bodyBytes } = splitFrame(frame)
    if (op === -1) return { error: errorIn(frame) }
    if (type === '#info') return 'info'
    if (!isEventType(type!)) return 'unknown-type'
    const body = decodeCbor(bodyBytes)
    return readEvent(type, body as Record<string, unknown>, frame, bodyBytes) ?? 'malformed'
  } catch {
    return 'malformed'
  }
}

function errorIn(frame: Uint8Array): string {
  const decoded = decodeFrame(frame)
  return 'error' in decoded ? decoded.error : ''
}

function readEvent(
  type: EventType,
  body: Record<string, unknown>,
  frame: Uint8Array,
  bodyBytes: Uint8Array,
): Arrival | undefined {
  const seqPlace = findSeq(bodyBytes)
  if (!seqPlace) return undefined
  const did = type === '#commit' ? body.repo : body.did
  if (!isDid(did) || did.length > DID_LENGTH_MAX) return undefined
  return { type, did, body, sourceSeq: body.seq as number, frame, bodyBytes, seqPlace }
}
