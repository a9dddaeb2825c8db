/** Keys of DID documents in both encodings that are in use, as did:key. */
import { base58btc, type Curve, fromBase58btc, parseMultikey } from '#protocol/crypto'
import type { VerificationMethod } from './document.ts'

/** Multicodec varints of compressed public keys: secp256k1-pub 0xe7, p256-pub 0x1200. */
const CODEC_PREFIX: Record<Curve, readonly number[]> = { k256: [0xe7, 0x01], p256: [0x80, 0x24] }

/** Verification method types from before Multikey: the type names the curve, the key is bare. */
const LEGACY_CURVE: Readonly<Record<string, Curve>> = {
  EcdsaSecp256k1VerificationKey2019: 'k256',
  EcdsaSecp256r1VerificationKey2019: 'p256',
}

/** The method's key as did:key; undefined when it has none, or none of a curve atproto uses. */
export function verificationMethodKey(method: VerificationMethod): string | undefined {
  const text = method.publicKeyMultibase
  if (text === undefined) return undefined
  try {
    if (method.type === 'Multikey') return parseMultikey(text).didKey
    const curve = Object.hasOwn(LEGACY_CURVE, method.type) ? LEGACY_CURVE[method.type] : undefined
    return curve && legacyKey(curve, text)
  } catch {
    return undefined // a key we cannot read is no key: the document's other claims still stand
  }
}

/** Longest legacy key text: 65 bytes are at most 89 base58 digits, and the multibase letter. */
const LEGACY_TEXT_LENGTH = 90

function legacyKey(curve: Curve, text: string): string | undefined {
  if (!text.startsWith('z') || text.length > LEGACY_TEXT_LENGTH) return undefined
  const point = compressPoint(fromBase58btc(text.slice(1)))
  if (point === undefined) return undefined
  const multikey = `z${base58btc(new Uint8Array([...CODEC_PREFIX[curve], ...point]))}`
  return parseMultikey(multikey).didKey
}

/** SEC 1 §2.3.3: the compressed form is the x coordinate behind the parity of y. */
function compressPoint(point: Uint8Array): Uint8Array | undefined {
  if (point.length === 33) return point
  if (point.length !== 65 || point[0] !== 0x04) return undefined
  const compressed = point.slice(0, 33)
  compressed[0] = 0x02 | (point[64]! & 1)
  return compressed
}
