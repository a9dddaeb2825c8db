import { base58btc, fromBase58btc } from './base58.ts'
import { type Curve, invalidKey, POINT_LENGTH, type PublicKey } from './curve.ts'

const DID_KEY = 'did:key:'
/** Multikeys of both curves have 48 or 49 characters. */
const MAX_MULTIKEY_LENGTH = 64

/** Multicodec of each curve's public keys as a varint: 0xe7 and 0x1200. */
const PREFIX: Record<Curve, readonly [number, number]> = {
  k256: [0xe7, 0x01],
  p256: [0x80, 0x24],
}

/** `z`, then curve and compressed point in base 58. */
export function formatMultikey(curve: Curve, point: Uint8Array): string {
  const bytes = new Uint8Array(2 + point.length)
  bytes.set(PREFIX[curve])
  bytes.set(point, 2)
  return `z${base58btc(bytes)}`
}

/** The curve and the 33 bytes of a multikey; whether they are a point is left to the caller. */
export function splitMultikey(text: string): { curve: Curve; point: Uint8Array } {
  if (text.length > MAX_MULTIKEY_LENGTH || !text.startsWith('z')) throw notMultikey()
  let bytes: Uint8Array
  try {
    bytes = fromBase58btc(text.slice(1))
  } catch (cause) {
    throw notMultikey(cause)
  }
  if (bytes.length !== 2 + POINT_LENGTH) throw notMultikey()
  for (const curve of ['k256', 'p256'] as const) {
    const [first, second] = PREFIX[curve]
    if (bytes[0] === first && bytes[1] === second) return { curve, point: bytes.slice(2) }
  }
  throw invalidKey('a key of an unknown kind')
}

/** The multikey within a did:key. Throws 'InvalidKey' when it is no did:key. */
export function didKeyMultikey(text: string): string {
  if (!text.startsWith(DID_KEY)) throw invalidKey('not a did:key')
  return text.slice(DID_KEY.length)
}

/** What both backs' public keys have in common: a checked point and its names. */
export abstract class PointKey implements PublicKey {
  readonly curve: Curve
  readonly bytes: Uint8Array
  readonly multikey: string
  readonly didKey: string

  /** `multikey`: the name of this very point, when the caller has it already. */
  constructor(curve: Curve, bytes: Uint8Array, multikey = formatMultikey(curve, bytes)) {
    this.curve = curve
    this.bytes = bytes
    this.multikey = multikey
    this.didKey = DID_KEY + multikey
  }

  abstract verify(message: Uint8Array, signature: Uint8Array): boolean
}

function notMultikey(cause?: unknown): Error {
  return invalidKey('not a multikey: z and base 58 of a curve and a compressed point', cause)
}

/** A back's way to make a key of 33 bytes; throws 'InvalidKey' when they are not a point of the curve. */
export type ImportPoint = (curve: Curve, point: Uint8Array, multikey?: string) => PublicKey

/** How many parsed keys are kept: at 2 to 3.5 KB each on Node, up to 56 MB. */
export const KEY_CACHE_ENTRIES = 16_384

/**
 * Makes `parseMultikey` and `parseDidKey` out of a back's way to import a point. Parsed keys are kept,
 * at most `cacheEntries`: importing one costs as much as a verification.
 */
export function keyParsers(
  importPoint: ImportPoint,
  cacheEntries = KEY_CACHE_ENTRIES,
): {
  parseMultikey: (text: string) => PublicKey
  parseDidKey: (text: string) => PublicKey
} {
  // Two generations instead of an order of use: when the young one is full it becomes the old one,
  // and what nobody asked for since is forgotten. A hit moves nothing.
  let young = new Map<string, PublicKey>()
  let old = new Map<string, PublicKey>()

  function keep(text: string, key: PublicKey): PublicKey {
    if (young.size >= cacheEntries / 2) {
      old = young
      young = new Map()
    }
    young.set(text, key)
    return key
  }

  function parseMultikey(text: string): PublicKey {
    const known = young.get(text)
    if (known !== undefined) return known
    const aged = old.get(text)
    if (aged !== undefined) return keep(text, aged)
    const { curve, point } = splitMultikey(text)
    return keep(text, importPoint(curve, point, text))
  }

  return { parseMultikey, parseDidKey: (text) => parseMultikey(didKeyMultikey(text)) }
}
