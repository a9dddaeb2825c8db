/** How the relay keeps an event: where it came from, then the frame it sends. */
import type { Entry } from '#platform/storage'

/** Entry kinds, by event type. */
export const KINDS: Readonly<Record<string, number>> = {
  '#commit': 1,
  '#sync': 2,
  '#identity': 3,
  '#account': 4,
}

/** Where an event came from: kept in the entry, so that Sql state follows from the stream alone. */
export interface Origin {
  /** Origin URL of the host. */
  host: string
  /** Its sequence number there. */
  hostSeq: number
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const SEQ_BYTES = 8

/** `[host length u8][host][seq f64][frame]` */
export function storeEvent({ host, hostSeq }: Origin, frame: Uint8Array): Uint8Array {
  const name = encoder.encode(host)
  if (name.byteLength > 255) throw new RangeError('host URL over 255 bytes')
  const stored = new Uint8Array(1 + name.byteLength + SEQ_BYTES + frame.byteLength)
  stored[0] = name.byteLength
  stored.set(name, 1)
  new DataView(stored.buffer).setFloat64(1 + name.byteLength, hostSeq)
  stored.set(frame, 1 + name.byteLength + SEQ_BYTES)
  return stored
}

export function originOf({ payload }: Pick<Entry, 'payload'>): Origin {
  const length = payload[0]!
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength)
  return {
    host: decoder.decode(payload.subarray(1, 1 + length)),
    hostSeq: view.getFloat64(1 + length),
  }
}

/** A view of the frame as it is sent; nothing is copied. */
export function frameOf({ payload }: Pick<Entry, 'payload'>): Uint8Array {
  return payload.subarray(1 + payload[0]! + SEQ_BYTES)
}
