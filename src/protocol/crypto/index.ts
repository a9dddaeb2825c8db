/** Hashes, keys and signatures in pure JavaScript, for browsers. On Node `index.node.ts` stands here. */
import { p256 } from '@noble/curves/nist.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js'
import { contentNames } from './content.ts'
import {
  type Curve,
  checkPointForm,
  checkScalar,
  drawScalar,
  invalidKey,
  isLowS,
  type PublicKey,
  type SigningKey,
} from './curve.ts'
import { keyParsers, PointKey } from './did-key.ts'
import type { Hasher } from './hasher.ts'

export { base58btc, fromBase58btc } from './base58.ts'
export type { Curve, PublicKey, SigningKey } from './curve.ts'
export type { Hasher } from './hasher.ts'
export { base32, base64url, fromBase32, fromBase64url, fromHex, hex } from './rfc4648.ts'

const CURVES = { k256: secp256k1, p256 }

/** SHA-256, 32 bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return nobleSha256(bytes)
}

/** SHA-256 of bytes that come in pieces. */
export function createSha256(): Hasher {
  const hasher = nobleSha256.create()
  return { update: (bytes) => void hasher.update(bytes), digest: () => hasher.digest() }
}

/** HMAC with SHA-256, 32 bytes. */
export function hmacSha256(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  return hmac(nobleSha256, key, bytes)
}

/** Whether both hold the same bytes, in a time that tells nothing about where they differ. */
export function constantTimeEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!
  return difference === 0
}

export const { cidForCbor, cidForRaw, verifyCid } = contentNames((bytes, into, at) =>
  into.set(nobleSha256(bytes), at),
)

class NoblePublicKey extends PointKey {
  verify(message: Uint8Array, signature: Uint8Array): boolean {
    if (!isLowS(this.curve, signature)) return false
    return CURVES[this.curve].verify(signature, message, this.bytes, { lowS: true })
  }
}

class NobleSigningKey implements SigningKey {
  readonly publicKey: PublicKey
  readonly #scalar: Uint8Array

  constructor(publicKey: PublicKey, scalar: Uint8Array) {
    this.publicKey = publicKey
    this.#scalar = scalar
  }

  sign(message: Uint8Array): Uint8Array {
    return CURVES[this.publicKey.curve].sign(message, this.#scalar, { lowS: true })
  }

  export(): Uint8Array {
    return this.#scalar.slice()
  }
}

function importPoint(curve: Curve, point: Uint8Array, multikey?: string): PublicKey {
  checkPointForm(point)
  try {
    CURVES[curve].Point.fromBytes(point).assertValidity()
  } catch (cause) {
    throw invalidKey(`not a point of ${curve}`, cause)
  }
  return new NoblePublicKey(curve, point, multikey)
}

export const { parseDidKey, parseMultikey } = keyParsers(importPoint)

/** The private key with this secret scalar, 32 bytes. Throws 'InvalidKey' when it is not in range. */
export function importKey(curve: Curve, scalar: Uint8Array): SigningKey {
  checkScalar(curve, scalar)
  const point = CURVES[curve].getPublicKey(scalar, true)
  return new NobleSigningKey(new NoblePublicKey(curve, point), new Uint8Array(scalar))
}

/** A new private key. `random` gives so many unpredictable bytes; left out, the machine's are used. */
export function generateKey(
  curve: Curve,
  random: (byteCount: number) => Uint8Array = machineRandom,
): SigningKey {
  return importKey(curve, drawScalar(curve, random))
}

function machineRandom(byteCount: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(byteCount))
}
