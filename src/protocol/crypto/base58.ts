import { ProtocolError } from '#protocol/syntax'

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'

/** The cost grows with the square of the length; keys and digests are far below. */
const MAX_LENGTH = 256

/** Digit of each ASCII character, 255 for those that are none. */
const DIGITS = new Uint8Array(128).fill(255)
for (let i = 0; i < ALPHABET.length; i++) DIGITS[ALPHABET.charCodeAt(i)] = i

/** Base 58 with Bitcoin's alphabet, a `1` for each leading zero byte. Throws above 256 bytes. */
export function base58btc(bytes: Uint8Array): string {
  if (bytes.length > MAX_LENGTH) throw tooLong()
  // Little-endian digits of the number the bytes are.
  const digits: number[] = []
  for (const byte of bytes) {
    let carry = byte
    for (let i = 0; i < digits.length; i++) {
      carry += digits[i]! * 256
      digits[i] = carry % 58
      carry = Math.floor(carry / 58)
    }
    for (; carry > 0; carry = Math.floor(carry / 58)) digits.push(carry % 58)
  }
  let text = '1'.repeat(leading(bytes, 0))
  for (let i = digits.length - 1; i >= 0; i--) text += ALPHABET.charAt(digits[i]!)
  return text
}

/** The bytes written in base 58. Throws 'InvalidBase58', also above 256 characters. */
export function fromBase58btc(text: string): Uint8Array {
  if (text.length > MAX_LENGTH) throw tooLong()
  const values = Array.from(text, (character) => DIGITS[character.charCodeAt(0)] ?? 255)
  const bytes: number[] = []
  for (const value of values) {
    if (value === 255) throw new ProtocolError('InvalidBase58', 'a character that is not base 58')
    let carry = value
    for (let i = 0; i < bytes.length; i++) {
      carry += bytes[i]! * 58
      bytes[i] = carry & 255
      carry >>= 8
    }
    for (; carry > 0; carry >>= 8) bytes.push(carry & 255)
  }
  const zeros = leading(values, 0)
  const result = new Uint8Array(zeros + bytes.length)
  result.set(bytes.reverse(), zeros)
  return result
}

function leading(values: ArrayLike<number>, wanted: number): number {
  let count = 0
  while (count < values.length && values[count] === wanted) count++
  return count
}

function tooLong(): ProtocolError {
  return new ProtocolError('InvalidBase58', `base 58 of more than ${MAX_LENGTH}`)
}
