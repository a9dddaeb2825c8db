/** Hashes, keys and signatures by the machine's own code. The same door as `index.ts`, for Node. */
import { createHash, createHmac, hash, randomBytes, timingSafeEqual } from 'node:crypto'
import { ProtocolError } from '#protocol/syntax'
import { contentNames } from './content.ts'
import { type Curve, drawScalar, type PublicKey, type SigningKey } from './curve.ts'
import { keyParsers } from './did-key.ts'
import type { Hasher } from './hasher.ts'
import { loadNativeKeys } from './libsecp256k1.node.ts'
import { importOpensslPoint, importOpensslScalar } from './openssl.node.ts'

export { base58btc, fromBase58btc } from './base58.ts'
export type { Curve, PublicKey, SigningKey } from './curve.ts'
export type { Hasher } from './hasher.ts'
export { base32, fromBase32, fromHex, hex } from './rfc4648.ts'

const native = loadNativeKeys()

/** SHA-256, 32 bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  const digest = new Uint8Array(32)
  hashInto(bytes, digest, 0)
  return digest
}

/** Node hands out a digest as text in half the time it takes to make a Buffer of it. */
function hashInto(bytes: Uint8Array, into: Uint8Array, at: number): void {
  const digest = hash('sha256', bytes, 'binary')
  for (let i = 0; i < 32; i++) into[at + i] = digest.charCodeAt(i)
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

export const { cidForCbor, cidForRaw, verifyCid } = contentNames(hashInto)

/** Base 64 with the alphabet for URLs, without padding. */
export function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url')
}

/** The bytes written in base64url without padding. Throws 'InvalidBase64url'. */
export function fromBase64url(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64url')
  // Node skips what is not base64url instead of refusing it.
  if (bytes.toString('base64url') !== text) {
    throw new ProtocolError('InvalidBase64url', 'not base64url without padding')
  }
  return plain(bytes)
}

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
