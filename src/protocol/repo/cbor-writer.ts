import type { CidBytes } from '#protocol/data'
import { ProtocolError } from '#protocol/syntax'

export const MAJOR_NUMBER = 0x00
export const MAJOR_BYTES = 0x40
export const MAJOR_TEXT = 0x60
export const MAJOR_ARRAY = 0x80
export const MAJOR_MAP = 0xa0
const NULL = 0xf6
const FALSE = 0xf4
/** The most a head takes: one byte and a number of eight. */
export const MAX_HEAD_BYTES = 9
/** Tag 42, head of 37 bytes, a zero, the CID. */
export const LINK_BYTES = 41

/**
 * Writes canonical DAG-CBOR piece by piece into an array whose size the caller has worked out:
 * for the few fixed shapes where a generic encoder would cost more than everything else. The caller
 * writes map keys in their canonical order.
 */
export class CborWriter {
  readonly bytes: Uint8Array
  at = 0

  /** `bytes`: room for at least what will be written. */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  head(major: number, value: number): void {
    const { bytes } = this
    if (value < 24) bytes[this.at++] = major | value
    else if (value < 0x100) {
      bytes[this.at++] = major | 24
      bytes[this.at++] = value
    } else if (value < 0x10000) {
      bytes[this.at++] = major | 25
      this.#bigEndian(value, 2)
    } else if (value < 0x100000000) {
      bytes[this.at++] = major | 26
      this.#bigEndian(value, 4)
    } else {
      bytes[this.at++] = major | 27
      this.#bigEndian(value, 8)
    }
  }

  #bigEndian(value: number, width: number): void {
    for (let i = width - 1; i >= 0; i--) {
      this.bytes[this.at + i] = value % 256
      value = Math.floor(value / 256)
    }
    this.at += width
  }

  /** Text of ASCII alone, which all identifiers are. Throws 'InvalidValue' for any other. */
  text(value: string): void {
    this.head(MAJOR_TEXT, value.length)
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i)
      if (code > 127) throw new ProtocolError('InvalidValue', 'an identifier beyond ASCII')
      this.bytes[this.at++] = code
    }
  }

  byteString(value: Uint8Array): void {
    this.head(MAJOR_BYTES, value.length)
    this.raw(value)
  }

  raw(value: Uint8Array): void {
    this.bytes.set(value, this.at)
    this.at += value.length
  }

  /** A length as CAR files write it, seven bits a byte, lowest first. */
  varint(value: number): void {
    while (value > 127) {
      this.bytes[this.at++] = (value & 127) | 128
      value >>>= 7
    }
    this.bytes[this.at++] = value
  }

  link(cid: CidBytes): void {
    const { bytes } = this
    bytes[this.at++] = 0xd8
    bytes[this.at++] = 0x2a
    bytes[this.at++] = 0x58
    bytes[this.at++] = cid.length + 1
    bytes[this.at++] = 0
    this.raw(cid)
  }

  linkOrNull(cid: CidBytes | null): void {
    if (cid === null) this.bytes[this.at++] = NULL
    else this.link(cid)
  }

  textOrNull(value: string | null): void {
    if (value === null) this.bytes[this.at++] = NULL
    else this.text(value)
  }

  false(): void {
    this.bytes[this.at++] = FALSE
  }

  /** What was written. */
  done(): Uint8Array {
    return this.bytes.subarray(0, this.at)
  }
}
