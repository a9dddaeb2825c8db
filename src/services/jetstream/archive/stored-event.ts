/** How a jetstream keeps an event: its time, its collection, and the JSON it sends. */
import type { Entry } from '#platform/storage'
import type { Projected } from './project.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const UPSTREAM_AT = 8
const COLLECTION_AT = 18

/** Where text is encoded: nobody keeps it. */
let scratch = new Uint8Array(64 * 1024)

/** `[time µs f64][upstream seq f64][collection length u16][collection][JSON]` */
export function storeEvent(event: Projected, timeUs: number, upstreamSeq: number): Uint8Array {
  const { did, collection = '', rest } = event
  // A collection is ASCII: as many bytes as characters.
  const text = `${collection}{"did":"${did}","time_us":${timeUs},${rest}`
  if (text.length * 3 > scratch.length) scratch = new Uint8Array(text.length * 3)
  const { written } = encoder.encodeInto(text, scratch)
  const stored = new Uint8Array(COLLECTION_AT + written)
  const view = new DataView(stored.buffer)
  view.setFloat64(0, timeUs)
  view.setFloat64(UPSTREAM_AT, upstreamSeq)
  view.setUint16(UPSTREAM_AT + 8, collection.length)
  stored.set(scratch.subarray(0, written), COLLECTION_AT)
  return stored
}

/** An event as it was kept; each part is read when it is first asked for. */
export class StoredEvent {
  readonly did: string
  readonly #payload: Uint8Array
  readonly #jsonAt: number
  #collection: string | undefined
  #json: string | undefined

  constructor({ key, payload }: Pick<Entry, 'key' | 'payload'>) {
    this.did = key
    this.#payload = payload
    this.#jsonAt = COLLECTION_AT + (payload[UPSTREAM_AT + 8]! << 8) + payload[UPSTREAM_AT + 9]!
  }

  get timeUs(): number {
    return this.#float(0)
  }

  /** Its commit's seq at the relay: events of one commit share it. */
  get upstreamSeq(): number {
    return this.#float(UPSTREAM_AT)
  }

  /** Undefined for what is no commit. */
  get collection(): string | undefined {
    if (this.#jsonAt === COLLECTION_AT) return undefined
    this.#collection ??= decoder.decode(this.#payload.subarray(COLLECTION_AT, this.#jsonAt))
    return this.#collection
  }

  /** The frame, as text. */
  get json(): string {
    this.#json ??= decoder.decode(this.#payload.subarray(this.#jsonAt))
    return this.#json
  }

  get jsonBytes(): number {
    return this.#payload.length - this.#jsonAt
  }

  #float(at: number): number {
    const { buffer, byteOffset } = this.#payload
    return new DataView(buffer, byteOffset + at, 8).getFloat64(0)
  }
}

const known = new WeakMap<readonly Entry[], readonly StoredEvent[]>()

/** The events of a batch that were not erased; made once, however many readers are handed the batch. */
export function eventsOf(batch: readonly Entry[]): readonly StoredEvent[] {
  let events = known.get(batch)
  if (!events) {
    events = batch.filter(({ blanked }) => !blanked).map((entry) => new StoredEvent(entry))
    known.set(batch, events)
  }
  return events
}
