/** How the relay keeps an event: where it came from, then the frame it sends. */
import type { Entry } from '#platform/storage'

/** Entry kinds. */
export const KINDS = {
  '#commit': 1,
  '#sync': 2,
  '#identity': 3,
  '#account': 4,
  /** No event: says that a repository's chain broke, so that a crash does not forget it. */
  broken: 5,
} as const

export type EventType = Exclude<keyof typeof KINDS, 'broken'>

const KIND_NUMBERS: ReadonlyMap<string, number> = new Map(Object.entries(KINDS))

/** Whether this relay passes on events of a type. */
export function isEventType(type: string): type is EventType {
  return type !== 'broken' && KIND_NUMBERS.has(type)
}

/** Where an event came from: kept in the entry, so that Sql state follows from the stream alone. */
export interface Origin {
  /** Origin URL of the host (or relay) it was read from; empty for what we say ourselves. */
  source: string
  /** Everything up to this seq of the source was dealt with when this was appended. */
  sourceSeq: number
  /** Origin URL of the account's host. */
  host: string
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const SEQ_BYTES = 8
const NAME_BYTES_MAX = 255

/** Whether an origin URL can be kept: 255 bytes, where a host name has 253. */
export const isStorableHost = (url: string): boolean => url.length <= NAME_BYTES_MAX

/** `[source length u8][source][seq f64][host length u8][host]`; the host is empty if it is the source. */
export function writeOrigin({ source, sourceSeq, host }: Origin, frameBytes: number) {
  const from = nameBytes(source)
  const at = host === source ? nameBytes('') : nameBytes(host)
  const start = 1 + from.length + SEQ_BYTES + 1 + at.length
  const stored = new Uint8Array(start + frameBytes)
  stored[0] = from.length
  stored.set(from, 1)
  new DataView(stored.buffer).setFloat64(1 + from.length, sourceSeq)
  stored[start - at.length - 1] = at.length
  stored.set(at, start - at.length)
  return { stored, start }
}

const names = new Map<string, Uint8Array>()
const NAMES_MAX = 10_000

function nameBytes(name: string): Uint8Array {
  const known = names.get(name)
  if (known) return known
  const bytes = encoder.encode(name)
  if (bytes.length > NAME_BYTES_MAX) throw new RangeError('a host URL over 255 bytes')
  if (names.size >= NAMES_MAX) names.clear()
  names.set(name, bytes)
  return bytes
}

export function originOf({ payload }: Pick<Entry, 'payload'>): Origin {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength)
  const seqAt = 1 + payload[0]!
  const hostAt = seqAt + SEQ_BYTES + 1
  const source = decoder.decode(payload.subarray(1, seqAt))
  const host = decoder.decode(payload.subarray(hostAt, hostAt + payload[hostAt - 1]!))
  return { source, sourceSeq: view.getFloat64(seqAt), host: host || source }
}

/** A view of the frame as it is sent; nothing is copied. Undefined for an entry that shows none. */
export function frameOf({ payload, kind, blanked }: Entry): Uint8Array | undefined {
  if (blanked || kind === KINDS.broken) return undefined
  const hostLengthAt = 1 + payload[0]! + SEQ_BYTES
  return payload.subarray(hostLengthAt + 1 + payload[hostLengthAt]!)
}
