import { type Curve, fromHex, hex } from '#protocol/crypto'

const orders: Readonly<Record<Curve, bigint>> = {
  k256: 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n,
  p256: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
}

/**
 * The twin of a 64-byte signature whose s is in the lower half. Tokens, unlike commits, are taken
 * with either: browsers' own cryptography gives high ones half of the time, and nothing here is
 * named by its signature.
 */
export function lowestS(curve: Curve, signature: Uint8Array): Uint8Array {
  const order = orders[curve]
  const s = BigInt(`0x${hex(signature.subarray(32, 64))}`)
  if (s <= order / 2n || s >= order) return signature
  const low = signature.slice()
  low.set(fromHex((order - s).toString(16).padStart(64, '0')), 32)
  return low
}
