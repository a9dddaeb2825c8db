/** An unsigned LEB128 number as CAR files use it, at most 2^53-1: 8 bytes of 7 bits. */
const MAX_LENGTH = 8

/** How many bytes `writeVarint` uses for the number. */
export function varintLength(value: number): number {
  let length = 1
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) length++
  return length
}

/** Writes the number and returns the offset behind it. */
export function writeVarint(into: Uint8Array, at: number, value: number): number {
  let rest = value
  while (rest >= 128) {
    into[at++] = (rest % 128) | 128
    rest = Math.floor(rest / 128)
  }
  into[at++] = rest
  return at
}

/** Length of the varint that begins at the offset: 0 when it has not ended yet, -1 when it is wrong. */
export function scanVarint(bytes: Uint8Array, at: number, end: number): number {
  for (let length = 1; length <= MAX_LENGTH; length++) {
    if (at + length > end) return 0
    const byte = bytes[at + length - 1]!
    // A last byte of zero says nothing, so the number has a shorter form: only that one is right.
    if (byte < 128) return byte === 0 && length > 1 ? -1 : length
  }
  return -1
}

/** The number in `length` bytes that `scanVarint` found. */
export function readVarint(bytes: Uint8Array, at: number, length: number): number {
  let value = 0
  for (let i = length - 1; i >= 0; i--) value = value * 128 + (bytes[at + i]! & 127)
  return value
}
