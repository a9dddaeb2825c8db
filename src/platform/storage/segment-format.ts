/**
 * The bytes of a segment file; pure. Integers are little-endian, seqs take eight bytes.
 *
 * ```
 * segment  = header(64) batch* [index]         preallocated zeros may follow the last batch while it is written to
 * batch    = header(40) table(12 × n) keys pad4 marks(4 × n) payloads pad8
 *   header   magic, length of the whole, first seq, time, n, bytes back to the group's start, length of keys, checksum
 *   table    payload length, payload checksum, kind, key length
 *   marks    0, or blankMark for an entry whose payload is erased
 * ```
 * The batch checksum (seeded with the stream's salt) covers header, table and keys; payloads have their own; marks
 * have none, so that blanking changes four bytes at once and breaks no checksum wherever it is interrupted.
 * A group is what one write and one fsync carried: a batch whose group begins beyond an offset proves that
 * everything before that offset had been durable.
 */
import { crc32 } from 'node:zlib'
import type { Entry } from './contracts.ts'

export const segmentHeaderBytes = 64
export const batchHeaderBytes = 40
const tableRowBytes = 12
const markBytes = 4
const segmentMagic = 0x4753_4a46 // FJSG
const batchMagic = 0x4142_4a46 // FJBA
const indexMagic = 0x5849_4a46 // FJIX
const formatVersion = 1
export const blankMark = 0xb1a4_ced0
export const alignment = 8
const nothing = new Uint8Array(0)

export interface SegmentHeader {
  /** No entry of this segment has a lower seq; also the file's name. */
  base: number
  /** Seeds the batch checksums, so that a payload cannot pretend to be a batch. One per stream. */
  salt: number
  createdMs: number
  /** Base of the segment before and the newest durable seq when this one was begun; 0 for none. */
  previousBase: number
  previousLast: number
}

export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(segmentHeaderBytes)
  bytes.writeUInt32LE(segmentMagic, 0)
  bytes.writeUInt32LE(formatVersion, 4)
  writeSeq(bytes, header.base, 8)
  writeSeq(bytes, header.previousBase, 16)
  writeSeq(bytes, header.previousLast, 24)
  bytes.writeDoubleLE(header.createdMs, 32)
  bytes.writeUInt32LE(header.salt, 40)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 60)), 60)
  return bytes
}

/** Undefined when the bytes are no intact header of this format. */
export function decodeSegmentHeader(bytes: Buffer): SegmentHeader | undefined {
  if (bytes.length < segmentHeaderBytes) return undefined
  if (bytes.readUInt32LE(0) !== segmentMagic || bytes.readUInt32LE(4) !== formatVersion)
    return undefined
  if (bytes.readUInt32LE(60) !== crc32(bytes.subarray(0, 60))) return undefined
  return {
    base: readSeq(bytes, 8),
    previousBase: readSeq(bytes, 16),
    previousLast: readSeq(bytes, 24),
    createdMs: bytes.readDoubleLE(32),
    salt: bytes.readUInt32LE(40),
  }
}

/** What a batch is made from. */
export interface BatchParts {
  firstSeq: number
  timeMs: number
  groupBack: number
  entries: readonly { key: string; kind: number; payload: Uint8Array; blanked?: boolean }[]
  salt: number
}

/** Bytes of the batch on disk. */
export function batchLength(count: number, keysLength: number, payloadsLength: number): number {
  return align(metaLength(count, keysLength) + count * markBytes + payloadsLength, alignment)
}

/** Writes a batch of `length` bytes (see batchLength) at `at`; the room need not be zeroed. */
export function writeBatch(
  into: Buffer,
  at: number,
  length: number,
  keysLength: number,
  { firstSeq, timeMs, groupBack, entries, salt }: BatchParts,
): void {
  const count = entries.length
  const marksAt = at + metaLength(count, keysLength)
  let row = at + batchHeaderBytes
  let keyAt = row + count * tableRowBytes
  let payloadAt = marksAt + count * markBytes
  for (const { key, kind, payload } of entries) {
    const keyLength = into.write(key, keyAt, 'utf8')
    into.writeUInt32LE(payload.length, row)
    into.writeUInt32LE(crc32(payload), row + 4)
    into.writeUInt32LE(kind | (keyLength << 8), row + 8)
    into.set(payload, payloadAt)
    row += tableRowBytes
    keyAt += keyLength
    payloadAt += payload.length
  }
  into.fill(0, keyAt, marksAt + count * markBytes)
  for (let index = 0; index < count; index++) {
    if (entries[index]!.blanked) into.writeUInt32LE(blankMark, marksAt + index * markBytes)
  }
  into.fill(0, payloadAt, at + length)
  into.writeUInt32LE(batchMagic, at)
  into.writeUInt32LE(length, at + 4)
  writeSeq(into, firstSeq, at + 8)
  into.writeDoubleLE(timeMs, at + 16)
  into.writeUInt32LE(count, at + 24)
  into.writeUInt32LE(groupBack, at + 28)
  into.writeUInt32LE(keysLength, at + 32)
  into.writeUInt32LE(metaChecksum(into, at, marksAt, salt), at + 36)
}

/** A batch found at `at` whose header, table and keys are intact. */
export interface Batch {
  at: number
  length: number
  firstSeq: number
  timeMs: number
  count: number
  groupBack: number
  keysAt: number
  marksAt: number
}

/**
 * Looks at the bytes from `at` to `end`. `more` tells how many bytes from `at` are needed to say anything (never more
 * than `available`, the bytes that the file has from `at`); undefined means that no intact batch begins here.
 */
export function readBatch(
  bytes: Buffer,
  at: number,
  end: number,
  available: number,
  salt: number,
): Batch | { more: number } | undefined {
  if (available < batchHeaderBytes) return undefined
  if (end - at < batchHeaderBytes) return { more: batchHeaderBytes }
  if (bytes.readUInt32LE(at) !== batchMagic) return undefined
  const length = bytes.readUInt32LE(at + 4)
  const count = bytes.readUInt32LE(at + 24)
  const keysLength = bytes.readUInt32LE(at + 32)
  const marks = metaLength(count, keysLength)
  if (length % alignment !== 0 || length > available || marks + count * markBytes > length) {
    return undefined
  }
  if (end - at < length) return { more: length }
  if (bytes.readUInt32LE(at + 36) !== metaChecksum(bytes, at, at + marks, salt)) return undefined
  return {
    at,
    length,
    firstSeq: readSeq(bytes, at + 8),
    timeMs: bytes.readDoubleLE(at + 16),
    count,
    groupBack: bytes.readUInt32LE(at + 28),
    keysAt: at + batchHeaderBytes + count * tableRowBytes,
    marksAt: at + marks,
  }
}

/** Where the parts of one entry lie, as offsets into the same bytes. */
export interface EntryPlace {
  seq: number
  key: string
  kind: number
  markAt: number
  payloadAt: number
  payloadLength: number
  blanked: boolean
}

/** Whether every payload is what was written, or marked as erased. */
export function payloadsIntact(bytes: Buffer, batch: Batch): boolean {
  const end = batch.at + batch.length
  let row = batch.at + batchHeaderBytes
  let payloadAt = batch.marksAt + batch.count * markBytes
  for (let index = 0; index < batch.count; index++) {
    const payloadEnd = payloadAt + bytes.readUInt32LE(row)
    const mark = bytes.readUInt32LE(batch.marksAt + index * markBytes)
    if (payloadEnd > end) return false
    if (mark !== blankMark) {
      const sum = crc32(bytes.subarray(payloadAt, payloadEnd))
      if (mark !== 0 || sum !== bytes.readUInt32LE(row + 4)) return false
    }
    row += tableRowBytes
    payloadAt = payloadEnd
  }
  return true
}

/** Calls `visit` with each entry's place, of a batch whose lengths are known to add up. */
export function visitEntries(
  bytes: Buffer,
  batch: Batch,
  visit: (place: EntryPlace) => void,
): void {
  let row = batch.at + batchHeaderBytes
  let keyAt = batch.keysAt
  let payloadAt = batch.marksAt + batch.count * markBytes
  for (let index = 0; index < batch.count; index++) {
    const markAt = batch.marksAt + index * markBytes
    const keyEnd = keyAt + bytes[row + 9]!
    const payloadLength = bytes.readUInt32LE(row)
    visit({
      seq: batch.firstSeq + index,
      key: bytes.toString('utf8', keyAt, keyEnd),
      kind: bytes[row + 8]!,
      markAt,
      payloadAt,
      payloadLength,
      blanked: bytes.readUInt32LE(markAt) === blankMark,
    })
    row += tableRowBytes
    keyAt = keyEnd
    payloadAt += payloadLength
  }
}

/**
 * Appends the entries of a batch whose payloads are intact to `into`; payloads are views of `bytes`, where they are moved
 * together from `to` on, each behind its `frameRoom`. Nothing else of the batch can be read there afterwards. Returns where
 * they end, never beyond the batch: a table row and a mark take more room than any head.
 */
export function takeEntries(bytes: Buffer, batch: Batch, into: Entry[], to: number): number {
  const places: EntryPlace[] = []
  visitEntries(bytes, batch, (place) => void places.push(place))
  let end = to
  for (const { seq, key, kind, payloadAt, payloadLength, blanked } of places) {
    let payload: Uint8Array = nothing
    if (!blanked) {
      const start = end + frameRoom(payloadLength)
      bytes.copyWithin(start, payloadAt, payloadAt + payloadLength)
      end = start + payloadLength
      payload = bytes.subarray(start, end)
    }
    into.push({ seq, key, kind, timeMs: batch.timeMs, payload, blanked })
  }
  return end
}

/**
 * Bytes free before each payload that was read back: as many as the head of a WebSocket frame of that length takes, so
 * that who sends payloads on writes the heads between them and copies nothing. Buffers laid out so are marked, for
 * whoever does not know where a payload is from.
 */
export function frameRoom(payloadLength: number): number {
  return payloadLength <= 125 ? 2 : payloadLength <= 0xffff ? 4 : 10
}

const FRAME_ROOM = Symbol.for('falaj.frameRoom')

export function markFrameRoom(bytes: Buffer): void {
  Object.assign(bytes.buffer, { [FRAME_ROOM]: true })
}

/** Where the next thing that looks like a batch begins, or -1. */
export function findBatch(bytes: Buffer, from: number): number {
  const magic = Buffer.alloc(4)
  magic.writeUInt32LE(batchMagic)
  return bytes.indexOf(magic, from)
}

/** Sparse index of a finished segment: the first seq and offset of each block, and where its batches end. */
export interface SegmentIndex {
  seqs: number[]
  offsets: number[]
  end: number
}

const indexHeaderBytes = 16
const indexTrailerBytes = 12

/** The index as written behind the last batch; the file ends with it. */
export function encodeIndex(index: SegmentIndex, salt: number): Buffer {
  const count = index.seqs.length
  const length = indexHeaderBytes + count * 12 + indexTrailerBytes
  const bytes = Buffer.alloc(length)
  bytes.writeUInt32LE(indexMagic, 0)
  bytes.writeUInt32LE(count, 4)
  writeSeq(bytes, index.end, 8)
  for (let row = 0; row < count; row++) {
    writeSeq(bytes, index.seqs[row]!, indexHeaderBytes + row * 12)
    bytes.writeUInt32LE(index.offsets[row]!, indexHeaderBytes + row * 12 + 8)
  }
  bytes.writeUInt32LE(crc32(bytes.subarray(0, length - indexTrailerBytes), salt), length - 12)
  bytes.writeUInt32LE(length, length - 8)
  bytes.writeUInt32LE(indexMagic, length - 4)
  return bytes
}

/** Length of the index that ends with these bytes (at least 12 of them), or undefined. */
export function indexLength(tail: Buffer): number | undefined {
  if (tail.length < indexTrailerBytes || tail.readUInt32LE(tail.length - 4) !== indexMagic) {
    return undefined
  }
  return tail.readUInt32LE(tail.length - 8)
}

/** Undefined when it is not intact; it can always be made again from the batches. */
export function decodeIndex(bytes: Buffer, salt: number): SegmentIndex | undefined {
  const length = bytes.length
  if (length < indexHeaderBytes + indexTrailerBytes || bytes.readUInt32LE(0) !== indexMagic) {
    return undefined
  }
  const count = bytes.readUInt32LE(4)
  if (length !== indexHeaderBytes + count * 12 + indexTrailerBytes) return undefined
  const sum = crc32(bytes.subarray(0, length - indexTrailerBytes), salt)
  if (bytes.readUInt32LE(length - 12) !== sum) return undefined
  const index: SegmentIndex = { seqs: [], offsets: [], end: readSeq(bytes, 8) }
  for (let row = 0; row < count; row++) {
    index.seqs.push(readSeq(bytes, indexHeaderBytes + row * 12))
    index.offsets.push(bytes.readUInt32LE(indexHeaderBytes + row * 12 + 8))
  }
  return index
}

/** Header, table and keys, up to the marks. */
function metaLength(count: number, keysLength: number): number {
  return align(batchHeaderBytes + count * tableRowBytes + keysLength, 4)
}

function metaChecksum(bytes: Buffer, at: number, marksAt: number, salt: number): number {
  const header = crc32(bytes.subarray(at, at + 36), salt)
  return crc32(bytes.subarray(at + batchHeaderBytes, marksAt), header)
}

function align(length: number, to: number): number {
  return Math.ceil(length / to) * to
}

/** Two halves: a seq may use all 53 bits that a number counts exactly. */
function writeSeq(bytes: Buffer, seq: number, at: number): void {
  bytes.writeUInt32LE(seq % 2 ** 32, at)
  bytes.writeUInt32LE(Math.floor(seq / 2 ** 32), at + 4)
}

function readSeq(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at + 4) * 2 ** 32 + bytes.readUInt32LE(at)
}
