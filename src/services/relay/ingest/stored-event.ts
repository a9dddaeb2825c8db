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
/** Both views of the same bytes, in this machine's order, which is that of every machine we run on. */
const float = new Float64Array(1)
const floatBytes = new Uint8Array(float.buffer)
const NAME_BYTES_MAX = 255

/** Whether an origin URL can be kept: 255 bytes, where a host name has 253. */
export const isStorableHost = (url: string): boolean => url.length <= NAME_BYTES_MAX

/** How many bytes `writeOrigin` writes. */
export function originBytes({ source, host }: Origin): number {
  return (
    1 + nameBytes(source).length + SEQ_BYTES + 1 + nameBytes(host === source ? '' : host).length
  )
}

/**
 * `[source length u8][source][seq f64][host length u8][host]`; the host is empty if it is the source.
 * Returns where it ends; the frame follows.
 */
export function writeOrigin(into: Uint8Array, at: number, origin: Origin): number {
  const { source, sourceSeq, host } = origin
  at = writeName(into, at, nameBytes(source))
  float[0] = sourceSeq
  into.set(floatBytes, at)
  return writeName(into, at + SEQ_BYTES, nameBytes(host === source ? '' : host))
}

function writeName(into: Uint8Array, at: number, name: Uint8Array): number {
  into[at] = name.length
  into.set(name, at + 1)
  return at + 1 + name.length
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
  return { source, sourceSeq: view.getFloat64(seqAt, true), host: host || source }
}

/** A view of the frame as it is sent; nothing is copied. Undefined for an entry that shows none. */
export function frameOf({ payload, kind, blanked }: Entry): Uint8Array | undefined {
  if (blanked || kind === KINDS.broken) return undefined
  const hostLengthAt = 1 + payload[0]! + SEQ_BYTES
  return payload.subarray(hostLengthAt + 1 + payload[hostLengthAt]!)
}
