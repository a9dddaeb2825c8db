/** Hashes, keys and signatures by the machine's own code. The same door as `index.ts`, for Node. */
import { createHash, createHmac, hash, randomBytes, timingSafeEqual } from 'node:crypto'
import { contentNames } from './content.ts'
import { type Curve, drawScalar, type PublicKey, type SigningKey } from './curve.ts'
import { keyParsers } from './did-key.ts'
import type { Hasher } from './hasher.ts'
import { loadNativeKeys } from './libsecp256k1.node.ts'
import { importOpensslPoint, importOpensslScalar } from './openssl.node.ts'

export { base58btc, fromBase58btc } from './base58.ts'
export type { Curve, PublicKey, SigningKey } from './curve.ts'
export type { Hasher } from './hasher.ts'
export { base32, base64url, fromBase32, fromBase64url, fromHex, hex } from './rfc4648.ts'

const native = loadNativeKeys()

/** SHA-256, 32 bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return plain(hash('sha256', bytes, 'buffer'))
}

/** SHA-256 of bytes that come in pieces. */
export function createSha256(): Hasher {
  const hasher = createHash('sha256')
  return { update: (bytes) => void hasher.update(bytes), digest: () => plain(hasher.digest()) }
}

/** HMAC with SHA-256, 32 bytes. */
export function hmacSha256(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  return plain(createHmac('sha256', key).update(bytes).digest())
}

/** Whether both hold the same bytes, in a time that tells nothing about where they differ. */
export function constantTimeEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}

export const { cidForCbor, cidForRaw, verifyCid } = contentNames((bytes) =>
  hash('sha256', bytes, 'buffer'),
)

function importPoint(curve: Curve, point: Uint8Array, multikey?: string): PublicKey {
  if (curve === 'k256' && native !== undefined) return native.importPoint(point, multikey)
  return importOpensslPoint(curve, point, multikey)
}

export const { parseDidKey, parseMultikey } = keyParsers(importPoint)

/** The private key with this secret scalar, 32 bytes. Throws 'InvalidKey' when it is not in range. */
export function importKey(curve: Curve, scalar: Uint8Array): SigningKey {
  if (curve === 'k256' && native !== undefined) return native.importScalar(scalar)
  return importOpensslScalar(curve, scalar)
}

/** A new private key. `random` gives so many unpredictable bytes; left out, the machine's are used. */
export function generateKey(
  curve: Curve,
  random: (byteCount: number) => Uint8Array = randomBytes,
): SigningKey {
  return importKey(curve, drawScalar(curve, random))
}

/** A Buffer as the Uint8Array it is, so that both backs give the same kind. */
function plain(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
}
