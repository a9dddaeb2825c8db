import { SIGNATURE_LENGTH } from './curve.ts'

const SEQUENCE = 0x30
const INTEGER = 0x02

/** Encodes r and s as the DER that OpenSSL verifies. */
export function compactToDer(signature: Uint8Array): Uint8Array {
  const rStart = firstUsed(signature, 0, 32)
  const sStart = firstUsed(signature, 32, 64)
  const rPad = signature[rStart]! >> 7
  const sPad = signature[sStart]! >> 7
  const rLength = 32 - rStart + rPad
  const sLength = 64 - sStart + sPad
  const der = new Uint8Array(6 + rLength + sLength)
  der[0] = SEQUENCE
  der[1] = 4 + rLength + sLength
  der[2] = INTEGER
  der[3] = rLength
  der.set(signature.subarray(rStart, 32), 4 + rPad)
  der[4 + rLength] = INTEGER
  der[5 + rLength] = sLength
  der.set(signature.subarray(sStart, 64), 6 + rLength + sPad)
  return der
}

/** Position of the first byte that is not zero, at most the last of the range. */
function firstUsed(bytes: Uint8Array, start: number, end: number): number {
  let at = start
  while (at < end - 1 && bytes[at] === 0) at++
  return at
}

/** r and s, 32 bytes each, of the DER that OpenSSL made. */
export function derToCompact(der: Uint8Array): Uint8Array {
  const signature = new Uint8Array(SIGNATURE_LENGTH)
  const rLength = der[3]!
  const sLength = der[5 + rLength]!
  placeRight(der.subarray(4, 4 + rLength), signature, 32)
  placeRight(der.subarray(6 + rLength, 6 + rLength + sLength), signature, 64)
  return signature
}

function placeRight(integer: Uint8Array, into: Uint8Array, end: number): void {
  const used = integer.length > 32 ? integer.subarray(integer.length - 32) : integer
  into.set(used, end - used.length)
}
