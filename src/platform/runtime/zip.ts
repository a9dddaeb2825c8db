/**
 * A ZIP archive as it comes: nothing is packed, nothing is held back, no length has to be known
 * before. Always in the 64-bit form, so that an entry or the whole may be as large as it likes.
 * https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 */

import { crc32 } from 'node:zlib'

export interface ZipEntry {
  /** With slashes; any characters. */
  name: string
  body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>
}

/** Lengths behind the entry, names in UTF-8. */
const FLAGS = 0x0808
/** The version that knows 64-bit lengths. */
const VERSION = 45
const ALL_32 = 0xff_ff_ff_ff
const ALL_16 = 0xff_ff
/** The archive's format can name 2^64; a listing of this many is held in memory. */
const ENTRIES_MAX = 1_000_000
const YEAR_0 = 1980

interface Written {
  name: Uint8Array
  crc: number
  size: number
  offset: number
}

/** The archive's bytes. Throws RangeError above a million entries. */
export async function* zip(
  entries: AsyncIterable<ZipEntry> | Iterable<ZipEntry>,
  nowMs: number,
): AsyncGenerator<Uint8Array> {
  const written: Written[] = []
  const stamp = dosTime(nowMs)
  let offset = 0
  for await (const { name, body } of entries) {
    if (written.length >= ENTRIES_MAX) throw new RangeError('too many entries for one archive')
    const entry: Written = { name: new TextEncoder().encode(name), crc: 0, size: 0, offset }
    const head = localHead(entry, stamp)
    yield head
    for await (const chunk of body) {
      entry.crc = crc32(chunk, entry.crc)
      entry.size += chunk.byteLength
      yield chunk
    }
    const tail = record(24, (put) =>
      put.u32(0x08074b50).u32(entry.crc).u64(entry.size).u64(entry.size),
    )
    yield tail
    offset += head.byteLength + entry.size + tail.byteLength
    written.push(entry)
  }
  let listed = 0
  for (const entry of written) {
    const row = listedEntry(entry, stamp)
    listed += row.byteLength
    yield row
  }
  yield ending(written.length, listed, offset)
}

/** Date and time as one number, in UTC, to two seconds. */
function dosTime(ms: number): number {
  const at = new Date(ms)
  const day =
    ((at.getUTCFullYear() - YEAR_0) << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate()
  const time = (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1)
  return ((day << 16) | time) >>> 0
}

function localHead({ name }: Written, stamp: number): Uint8Array {
  return record(30 + name.byteLength + 20, (put) => {
    put.u32(0x04034b50).u16(VERSION).u16(FLAGS).u16(0).u32(stamp).u32(0)
    put.u32(ALL_32).u32(ALL_32).u16(name.byteLength).u16(20).bytes(name)
    // Says that the lengths behind the entry have 64 bits.
    put.u16(1).u16(16).u64(0).u64(0)
  })
}

function listedEntry({ name, crc, size, offset }: Written, stamp: number): Uint8Array {
  return record(46 + name.byteLength + 28, (put) => {
    put.u32(0x02014b50).u16(VERSION).u16(VERSION).u16(FLAGS).u16(0).u32(stamp).u32(crc)
    put.u32(ALL_32).u32(ALL_32).u16(name.byteLength).u16(28).u16(0).u16(0).u16(0).u32(0).u32(ALL_32)
    put.bytes(name).u16(1).u16(24).u64(size).u64(size).u64(offset)
  })
}

function ending(count: number, listed: number, offset: number): Uint8Array {
  return record(56 + 20 + 22, (put) => {
    put.u32(0x06064b50).u64(44).u16(VERSION).u16(VERSION).u32(0).u32(0)
    put.u64(count).u64(count).u64(listed).u64(offset)
    put
      .u32(0x07064b50)
      .u32(0)
      .u64(offset + listed)
      .u32(1)
    put.u32(0x06054b50).u16(0).u16(0).u16(ALL_16).u16(ALL_16).u32(ALL_32).u32(ALL_32).u16(0)
  })
}

/** Little-endian numbers one after another. */
class Fields {
  readonly #view: DataView
  readonly #into: Uint8Array
  #at = 0

  constructor(into: Uint8Array) {
    this.#into = into
    this.#view = new DataView(into.buffer)
  }

  u16(value: number): this {
    this.#view.setUint16(this.#at, value, true)
    this.#at += 2
    return this
  }

  u32(value: number): this {
    this.#view.setUint32(this.#at, value, true)
    this.#at += 4
    return this
  }

  u64(value: number): this {
    this.#view.setBigUint64(this.#at, BigInt(value), true)
    this.#at += 8
    return this
  }

  bytes(value: Uint8Array): this {
    this.#into.set(value, this.#at)
    this.#at += value.byteLength
    return this
  }
}

function record(length: number, write: (put: Fields) => void): Uint8Array {
  const bytes = new Uint8Array(length)
  write(new Fields(bytes))
  return bytes
}
