/** Makes the proofs an app makes: DPoP tokens and client assertions. */
import {
  base64url,
  type Curve,
  fromHex,
  generateKey,
  hex,
  type SigningKey,
  sha256,
} from '#protocol/crypto'
import { encodePart, tokenBytes } from './jwt.ts'

const primes: Record<Curve, bigint> = {
  p256: 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn,
  k256: 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2fn,
}
const p256b = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n
  for (let b = base % modulus, e = exponent; e > 0n; e >>= 1n, b = (b * b) % modulus)
    if (e & 1n) result = (result * b) % modulus
  return result
}

/** The public half of a key as a JWK. */
export function jwkOf(key: SigningKey, extra: Record<string, unknown> = {}) {
  const { curve, bytes } = key.publicKey
  const p = primes[curve]
  const x = BigInt(`0x${hex(bytes.subarray(1))}`)
  const square = curve === 'p256' ? x ** 3n - 3n * x + p256b : x ** 3n + 7n
  const root = power(((square % p) + p) % p, (p + 1n) / 4n, p)
  const y = root % 2n === BigInt(bytes[0]! & 1) ? root : p - root
  const text = (value: bigint) => base64url(fromHex(value.toString(16).padStart(64, '0')))
  return {
    kty: 'EC',
    crv: curve === 'p256' ? 'P-256' : 'secp256k1',
    x: text(x),
    y: text(y),
    ...extra,
  }
}

/** Any token, signed by a key. */
export function forge(head: object, claims: object, key: SigningKey): string {
  const signed = `${encodePart(head)}.${encodePart(claims)}`
  return `${signed}.${base64url(key.sign(tokenBytes(signed)))}`
}

export const algOf = (key: SigningKey) => (key.publicKey.curve === 'p256' ? 'ES256' : 'ES256K')

let count = 0

/** A DPoP proof; `claims` go over what is usual. */
export function proofBy(
  key: SigningKey,
  method: string,
  url: string,
  claims: Record<string, unknown> & { accessToken?: string } = {},
  head: object = {},
): string {
  const { accessToken, ...rest } = claims
  const ath = accessToken === undefined ? {} : { ath: base64url(sha256(tokenBytes(accessToken))) }
  const usual = { jti: `proof ${++count}`, htm: method, htu: url, iat: 1_000_000, ...ath }
  return forge(
    { typ: 'dpop+jwt', alg: algOf(key), jwk: jwkOf(key), ...head },
    { ...usual, ...rest },
    key,
  )
}

export const newKey = (curve: Curve = 'p256') => generateKey(curve)
