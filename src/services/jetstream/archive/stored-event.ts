/** How a jetstream keeps an event: its time, its collection, and the JSON it sends. */
import type { Entry } from '#platform/storage'
import type { Projected } from './project.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const TIME_BYTES = 8
const SEQ_BYTES = 8

/** `[time µs f64][upstream seq f64][collection length u16][collection][JSON]` */
export function storeEvent(event: Projected, timeUs: number, upstreamSeq: number): Uint8Array {
  const collection = event.collection ?? ''
  const json = `{"did":"${event.did}","time_us":${timeUs},${event.rest}`
  const bytes = new Uint8Array(TIME_BYTES + SEQ_BYTES + 2 + (collection.length + json.length) * 3)
  const view = new DataView(bytes.buffer)
  view.setFloat64(0, timeUs)
  view.setFloat64(TIME_BYTES, upstreamSeq)
  let at = TIME_BYTES + SEQ_BYTES
  // A collection is ASCII: as many bytes as characters.
  view.setUint16(at, collection.length)
  at += 2
  at += encoder.encodeInto(collection, bytes.subarray(at)).written
  at += encoder.encodeInto(json, bytes.subarray(at)).written
  return bytes.slice(0, at)
}

export interface StoredEvent {
  timeUs: number
  did: string
  /** Undefined for what is no commit. */
  collection: string | undefined
  /** The frame, as text. */
  json: string
}

const read = new WeakMap<Entry, StoredEvent>()

/** Read once, however many readers get it from the live tail. */
export function readEvent(entry: Entry): StoredEvent {
  const known = read.get(entry)
  if (known) return known
  const { payload } = entry
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength)
  let at = TIME_BYTES + SEQ_BYTES
  const length = view.getUint16(at)
  at += 2
  const event = {
    timeUs: view.getFloat64(0),
    did: entry.key,
    collection: length > 0 ? decoder.decode(payload.subarray(at, at + length)) : undefined,
    json: decoder.decode(payload.subarray(at + length)),
  }
  read.set(entry, event)
  return event
}

export function timesOf({ payload }: Pick<Entry, 'payload'>): {
  timeUs: number
  upstreamSeq: number
} {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength)
  return { timeUs: view.getFloat64(0), upstreamSeq: view.getFloat64(TIME_BYTES) }
}
