import { compareBytes } from '#protocol/data'
import { ProtocolError } from '#protocol/syntax'
import { fromHex } from './rfc4648.ts'

/** The two curves of atproto: secp256k1 and NIST P-256. https://atproto.com/specs/cryptography */
export type Curve = 'k256' | 'p256'

/** Somebody's public key, checked to be a point of its curve. */
export interface PublicKey {
  readonly curve: Curve
  /** The point compressed, 33 bytes. */
  readonly bytes: Uint8Array
  /** `did:key:z…` */
  readonly didKey: string
  /** `z…`, as in the `publicKeyMultibase` of a DID document's Multikey. */
  readonly multikey: string
  /**
   * Whether the signature of the message (hashed here with SHA-256) is this key's: 64 bytes r and s,
   * s in the lower half of its range. Anything else, DER too, is false, never an error.
   */
  verify(message: Uint8Array, signature: Uint8Array): boolean
}

/** A private key. */
export interface SigningKey {
  readonly publicKey: PublicKey
  /** Signature of the message's SHA-256: 64 bytes r and s, s in the lower half. */
  sign(message: Uint8Array): Uint8Array
  /** The secret scalar, 32 bytes, a copy. */
  export(): Uint8Array
}

export const SIGNATURE_LENGTH = 64
export const SCALAR_LENGTH = 32
export const POINT_LENGTH = 33

/** Number of points of each curve, n, big-endian. */
export const ORDER: Record<Curve, Uint8Array> = {
  k256: fromHex('fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141'),
  p256: fromHex('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'),
}

/** (n - 1) / 2: the largest s that is low. */
const HALF_ORDER: Record<Curve, Uint8Array> = {
  k256: fromHex('7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0'),
  p256: fromHex('7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8'),
}

/** Whether these are 64 bytes whose s is low. Of a signature and its twin (r, n-s) only one is. */
export function isLowS(curve: Curve, signature: Uint8Array): boolean {
  return (
    signature.length === SIGNATURE_LENGTH &&
    compareBytes(signature.subarray(32), HALF_ORDER[curve]) <= 0
  )
}

/** Changes the signature to its twin with n-s where s is not low; gives the same array. */
export function lowerS(curve: Curve, signature: Uint8Array): Uint8Array {
  if (isLowS(curve, signature)) return signature
  const order = ORDER[curve]
  let borrow = 0
  for (let i = 31; i >= 0; i--) {
    const difference = order[i]! - signature[32 + i]! - borrow
    signature[32 + i] = difference & 255
    borrow = difference < 0 ? 1 : 0
  }
  return signature
}

/** Whether these 32 bytes are a private key: neither zero nor the order or above it. */
export function isScalar(curve: Curve, bytes: Uint8Array): boolean {
  return (
    bytes.length === SCALAR_LENGTH &&
    bytes.some((byte) => byte !== 0) &&
    compareBytes(bytes, ORDER[curve]) < 0
  )
}

/** Throws 'InvalidKey' unless the bytes are a private key. */
export function checkScalar(curve: Curve, bytes: Uint8Array): void {
  if (!isScalar(curve, bytes)) throw invalidKey(`not a private key of ${curve}`)
}

/** Throws 'InvalidKey' unless the bytes have the form of a compressed point. */
export function checkPointForm(bytes: Uint8Array): void {
  if (bytes.length === POINT_LENGTH && (bytes[0] === 2 || bytes[0] === 3)) return
  throw invalidKey('not a compressed point of 33 bytes')
}

/** Draws private keys until one is in range: nearly always the first. */
export function drawScalar(curve: Curve, random: (byteCount: number) => Uint8Array): Uint8Array {
  for (let tries = 0; tries < 128; tries++) {
    const bytes = random(SCALAR_LENGTH)
    if (isScalar(curve, bytes)) return bytes
  }
  throw new Error('the source of randomness gives no private key in 128 draws')
}

export function invalidKey(what: string, cause?: unknown): ProtocolError {
  return new ProtocolError('InvalidKey', what, { cause })
}
