import { ProtocolError } from '#protocol/syntax'
import { MAX_DEPTH } from './cbor-scan.ts'
import { CID_LENGTH } from './cid.ts'

const UNSIGNED = 0
const NEGATIVE = 1
const BYTES = 2
const TEXT = 3
const ARRAY = 4
const MAP = 5
const TAG = 6

const QUOTE = 0x22
const BACKSLASH = 0x5c
const HEX = '0123456789abcdef'
const BASE32 = ascii('abcdefghijklmnopqrstuvwxyz234567')
const BASE64 = ascii('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/')

/** 1 for each byte that a JSON string cannot hold as it is. */
const ESCAPED = new Uint8Array(256)
ESCAPED.fill(1, 0, 0x20)
ESCAPED[QUOTE] = 1
ESCAPED[BACKSLASH] = 1
/** The letter behind the backslash, where there is one. */
const LETTERS = new Map([
  [0x08, 'b'],
  [0x09, 't'],
  [0x0a, 'n'],
  [0x0c, 'f'],
  [0x0d, 'r'],
  [QUOTE, '"'],
  [BACKSLASH, '\\'],
])

const NOT_ASCII = /[^\0-\x7f]/g
const unicodeEscape = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`

/** Characters of a CID in base32, with the letter before them that says so. */
const CID_CHARACTERS = 59
const FIRST_ROOM = 1024

/** Memory that small documents take their room from, one after the other: an array buffer each would cost more to make. */
let slab = new Uint8Array(0)
let slabUsed = 0
const SLAB_BYTES = 64 * 1024
/** What is larger gets memory of its own. */
const SLAB_ROOM_MAX = 4 * 1024

function roomOf(byteCount: number): Uint8Array {
  if (byteCount > SLAB_ROOM_MAX) return new Uint8Array(byteCount)
  if (slabUsed + byteCount > slab.length) {
    slab = new Uint8Array(SLAB_BYTES)
    slabUsed = 0
  }
  const room = slab.subarray(slabUsed, slabUsed + byteCount)
  slabUsed += byteCount
  return room
}

/**
 * Writes JSON as UTF-8 from DAG-CBOR, without making values of it. What it writes of a value parses to
 * the same as `JSON.stringify(decodeCbor(bytes))`; keys stay in the order of the encoding.
 */
export class JsonBytes {
  #out: Uint8Array
  #length = 0

  /** `room`: bytes that are expected; it grows as needed. */
  constructor(room: number = FIRST_ROOM) {
    this.#out = roomOf(room)
  }

  /** What was written: a view. Nothing may be written after. */
  bytes(): Uint8Array {
    return this.#out.subarray(0, this.#length)
  }

  /** JSON as it is; ASCII only. */
  raw(json: string): this {
    this.#reserve(json.length)
    const out = this.#out
    let length = this.#length
    for (let i = 0; i < json.length; i++) out[length++] = json.charCodeAt(i)
    this.#length = length
    return this
  }

  /** A string. */
  text(text: string): this {
    this.#reserve(text.length + 2)
    const out = this.#out
    let length = this.#length
    out[length++] = QUOTE
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      if (code > 0x7f || ESCAPED[code] === 1) {
        return this.raw(JSON.stringify(text).replace(NOT_ASCII, unicodeEscape))
      }
      out[length++] = code
    }
    out[length++] = QUOTE
    this.#length = length
    return this
  }

  /** The text of a CID, in quotes, from its 36 bytes at the offset. */
  cid(bytes: Uint8Array, at = 0): this {
    if (at + CID_LENGTH > bytes.length) throw cutShort()
    this.#reserve(CID_CHARACTERS + 2)
    const out = this.#out
    let length = this.#length
    out[length++] = QUOTE
    out[length++] = 0x62 // b: base32
    let bits = 0
    let waiting = 0
    for (let i = at; i < at + CID_LENGTH; i++) {
      bits = (bits << 8) | bytes[i]!
      for (waiting += 8; waiting >= 5; ) {
        waiting -= 5
        out[length++] = BASE32[(bits >>> waiting) & 31]!
      }
      bits &= 31
    }
    if (waiting > 0) out[length++] = BASE32[(bits << (5 - waiting)) & 31]!
    out[length++] = QUOTE
    this.#length = length
    return this
  }

  /**
   * The one value encoded between two offsets. The bytes were checked when they came in: here only
   * their structure is followed. Throws 'InvalidCbor' where that cannot be.
   */
  cbor(bytes: Uint8Array, start = 0, end: number = bytes.length): this {
    if (this.#value(bytes, start, end, 0) !== end) throw malformed('bytes after a value')
    return this
  }

  /** Writes the value that begins at an offset and says where it ends. */
  #value(bytes: Uint8Array, start: number, end: number, depth: number): number {
    if (start >= end) throw cutShort()
    const head = bytes[start]!
    const kind = head >> 5
    if (kind > TAG) {
      this.raw(simple(head))
      return start + 1
    }
    const at = readHead(bytes, start, end)
    const value = argument
    switch (kind) {
      case UNSIGNED:
        this.raw(String(value))
        return at
      case NEGATIVE:
        this.raw(String(-1 - value))
        return at
      case BYTES:
        this.raw('{"$bytes":"')
          .#base64(bytes, at, checkedEnd(at, value, end))
          .raw('"}')
        return at + value
      case TEXT:
        this.#string(bytes, at, checkedEnd(at, value, end))
        return at + value
      case ARRAY:
      case MAP:
        if (depth === MAX_DEPTH) throw malformed(`more than ${MAX_DEPTH} levels`)
        return kind === ARRAY
          ? this.#array(bytes, at, end, value, depth + 1)
          : this.#map(bytes, at, end, value, depth + 1)
      default:
        return this.#link(bytes, at, end, value)
    }
  }

  #array(bytes: Uint8Array, at: number, end: number, count: number, depth: number): number {
    this.#byte(0x5b)
    for (let i = 0; i < count; i++) {
      if (i > 0) this.#byte(0x2c)
      at = this.#value(bytes, at, end, depth)
    }
    this.#byte(0x5d)
    return at
  }

  #map(bytes: Uint8Array, at: number, end: number, count: number, depth: number): number {
    this.#byte(0x7b)
    for (let i = 0; i < count; i++) {
      if (i > 0) this.#byte(0x2c)
      if (at >= end || bytes[at]! >> 5 !== TEXT) throw malformed('a key that is not text')
      at = this.#value(bytes, at, end, depth)
      this.#byte(0x3a)
      at = this.#value(bytes, at, end, depth)
    }
    this.#byte(0x7d)
    return at
  }

  /** Tag 42, whose bytes are a zero and the CID. */
  #link(bytes: Uint8Array, start: number, end: number, tag: number): number {
    const isBytes = start < end && bytes[start]! >> 5 === BYTES
    if (tag !== 42 || !isBytes) throw malformed('a tag that is not a link')
    const at = readHead(bytes, start, end)
    if (argument !== 1 + CID_LENGTH || bytes[at] !== 0) throw malformed('not a link')
    const stop = checkedEnd(at, argument, end)
    this.raw('{"$link":')
      .cid(bytes, at + 1)
      .#byte(0x7d)
    return stop
  }

  #string(bytes: Uint8Array, at: number, end: number): void {
    this.#reserve(end - at + 2)
    this.#byte(QUOTE)
    let out = this.#out
    let length = this.#length
    for (; at < end; at++) {
      const byte = bytes[at]!
      if (ESCAPED[byte] === 0) {
        out[length++] = byte
        continue
      }
      this.#length = length
      const letter = LETTERS.get(byte)
      this.raw(letter ? `\\${letter}` : `\\u00${HEX[byte >> 4]}${HEX[byte & 15]}`)
      this.#reserve(end - at + 1)
      out = this.#out
      length = this.#length
    }
    out[length++] = QUOTE
    this.#length = length
  }

  #base64(bytes: Uint8Array, at: number, end: number): this {
    this.#reserve(Math.ceil(((end - at) * 4) / 3))
    const out = this.#out
    let length = this.#length
    for (; at < end; at += 3) {
      const left = end - at
      const bits = (bytes[at]! << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0)
      out[length++] = BASE64[bits >>> 18]!
      // Behind the end stand bytes of something else.
      out[length++] = BASE64[(bits >>> 12) & (left > 1 ? 63 : 48)]!
      if (left > 1) out[length++] = BASE64[(bits >>> 6) & (left > 2 ? 63 : 60)]!
      if (left > 2) out[length++] = BASE64[bits & 63]!
    }
    this.#length = length
    return this
  }

  #byte(byte: number): void {
    this.#reserve(1)
    this.#out[this.#length++] = byte
  }

  #reserve(byteCount: number): void {
    const needed = this.#length + byteCount
    if (needed <= this.#out.length) return
    const grown = roomOf(Math.max(needed, 2 * this.#out.length))
    grown.set(this.#out.subarray(0, this.#length))
    this.#out = grown
  }
}

/** The number or length of the head last read. */
let argument = 0

/** Reads the head of a value, and says where what it tells of begins. */
function readHead(bytes: Uint8Array, at: number, end: number): number {
  argument = bytes[at++]! & 31
  if (argument < 24) return at
  if (argument > 27) throw malformed('a length of a form that is not allowed')
  const stop = at + (1 << (argument - 24))
  if (stop > end) throw cutShort()
  argument = 0
  while (at < stop) argument = argument * 256 + bytes[at++]!
  return at
}

function checkedEnd(at: number, byteCount: number, end: number): number {
  if (byteCount > end - at) throw cutShort()
  return at + byteCount
}

function simple(head: number): string {
  if (head === 0xf4) return 'false'
  if (head === 0xf5) return 'true'
  if (head === 0xf6) return 'null'
  throw malformed('a float or an unknown simple value')
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0))
}

const cutShort = () => malformed('cut short')
const malformed = (what: string) => new ProtocolError('InvalidCbor', `not DAG-CBOR: ${what}`)
