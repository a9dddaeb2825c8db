import { ProtocolError } from '#protocol/syntax'

interface Base {
  encode(bytes: Uint8Array): string
  decode(text: string): Uint8Array
}

/**
 * A base of RFC 4648 without padding. Decoding is strict: no other characters, no white space, no
 * length that no bytes have, no bits beyond the last byte but zeros.
 */
function base(bitsPerCharacter: number, alphabet: string, name: string, code: string): Base {
  const mask = 2 ** bitsPerCharacter - 1
  const values = new Uint8Array(128).fill(255)
  for (let i = 0; i < alphabet.length; i++) values[alphabet.charCodeAt(i)] = i

  function encode(bytes: Uint8Array): string {
    let text = ''
    let bits = 0
    let held = 0
    for (let i = 0; i < bytes.length; i++) {
      held = ((held << 8) | bytes[i]!) & 0xffff
      bits += 8
      while (bits >= bitsPerCharacter) {
        bits -= bitsPerCharacter
        text += alphabet[(held >> bits) & mask]
      }
    }
    if (bits > 0) text += alphabet[(held << (bitsPerCharacter - bits)) & mask]
    return text
  }

  function decode(text: string): Uint8Array {
    const bytes = new Uint8Array(Math.floor((text.length * bitsPerCharacter) / 8))
    let bits = 0
    let held = 0
    let at = 0
    for (let i = 0; i < text.length; i++) {
      const value = values[text.charCodeAt(i)] ?? 255
      if (value === 255) throw new ProtocolError(code, `a character that is not ${name}`)
      held = ((held << bitsPerCharacter) | value) & 0xffff
      bits += bitsPerCharacter
      if (bits < 8) continue
      bits -= 8
      bytes[at++] = (held >> bits) & 255
    }
    if (bits >= bitsPerCharacter || (held & (2 ** bits - 1)) !== 0) {
      throw new ProtocolError(code, `${name} that ends within a byte`)
    }
    return bytes
  }

  return { encode, decode }
}

const lower32 = base(5, 'abcdefghijklmnopqrstuvwxyz234567', 'base 32', 'InvalidBase32')
const url64 = base(
  6,
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_',
  'base64url',
  'InvalidBase64url',
)

/** Base 32, lower case, without padding. */
export const base32: (bytes: Uint8Array) => string = lower32.encode

/** The bytes written in lower-case base 32 without padding. Throws 'InvalidBase32'. */
export const fromBase32: (text: string) => Uint8Array = lower32.decode

/** Base 64 with the alphabet for URLs, without padding. */
export const base64url: (bytes: Uint8Array) => string = url64.encode

/** The bytes written in base64url without padding. Throws 'InvalidBase64url'. */
export const fromBase64url: (text: string) => Uint8Array = url64.decode

/** Lower-case hexadecimal. */
export function hex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0')
  return text
}

/** The bytes written in hexadecimal of either case. Throws 'InvalidHex'. */
export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) {
    throw new ProtocolError('InvalidHex', 'not pairs of hexadecimal digits')
  }
  const bytes = new Uint8Array(text.length / 2)
  for (let i = 0; i < bytes.length; i++)
    bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16)
  return bytes
}
