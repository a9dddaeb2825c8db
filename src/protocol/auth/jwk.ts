import {
  base58btc,
  base64url,
  fromBase64url,
  type PublicKey,
  parseMultikey,
  sha256,
} from '#protocol/crypto'

/** A public key as JSON, of a curve that is used here, and its name by RFC 7638. */
export interface Jwk {
  key: PublicKey
  /** The algorithm that goes with its curve. */
  alg: 'ES256' | 'ES256K'
  kid: string | undefined
  thumbprint: string
}

const curves = {
  'P-256': { alg: 'ES256', prefix: [0x80, 0x24] },
  secp256k1: { alg: 'ES256K', prefix: [0xe7, 0x01] },
} as const

/** Reads a public key; undefined when it is none, private, or of another kind than EC. */
export function parseJwk(value: unknown): Jwk | undefined {
  const { kty, crv, x, y, d, k, alg, kid, use } = (value ?? {}) as Record<string, unknown>
  const curve =
    typeof crv === 'string' && Object.hasOwn(curves, crv) && curves[crv as keyof typeof curves]
  if (kty !== 'EC' || !curve || d !== undefined || k !== undefined) return undefined
  if ((alg !== undefined && alg !== curve.alg) || (use !== undefined && use !== 'sig'))
    return undefined
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > 256)) return undefined
  const xBytes = coordinate(x)
  const yBytes = coordinate(y)
  if (!xBytes || !yBytes) return undefined
  const point = Uint8Array.of(...curve.prefix, 2 + (yBytes[31]! & 1), ...xBytes)
  try {
    const key = parseMultikey(`z${base58btc(point)}`)
    return { key, alg: curve.alg, kid, thumbprint: thumbprint(crv as string, x, y) }
  } catch {
    return undefined
  }
}

function coordinate(text: unknown): Uint8Array | undefined {
  if (typeof text !== 'string' || text.length !== 43) return undefined
  try {
    return fromBase64url(text)
  } catch {
    return undefined
  }
}

function thumbprint(crv: string, x: unknown, y: unknown): string {
  return base64url(sha256(new TextEncoder().encode(JSON.stringify({ crv, kty: 'EC', x, y }))))
}
