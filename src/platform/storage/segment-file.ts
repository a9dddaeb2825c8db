import { basename, dirname, join } from 'node:path'
import { type Entry, StorageError } from './contracts.ts'
import type { Files, OpenFile } from './files.ts'
import {
  type Batch,
  decodeIndex,
  encodeIndex,
  encodeSegmentHeader,
  indexLength,
  markFrameRoom,
  payloadsIntact,
  readBatch,
  type SegmentHeader,
  type SegmentIndex,
  segmentHeaderBytes,
  takeEntries,
} from './segment-format.ts'

/** Entries are read, cached and handed out in blocks of about this size. */
export const blockBytes = 256 * 1024
const scanBytes = 1024 * 1024

/** One file of a stream. */
export interface Segment {
  readonly path: string
  readonly header: SegmentHeader
  /** Newest durable seq in it, or `header.previousLast` while it has none. */
  lastSeq: number
  /** No entry in it is younger. */
  lastMs: number
  /** Bytes of batches and header, without what is preallocated. */
  bytes: number
  /** Undefined until somebody reads it. Of the segment being written to it grows, and `end` is the durable end. */
  index: SegmentIndex | undefined
}

export function segmentPath(directory: string, base: number): string {
  return join(directory, `${String(base).padStart(16, '0')}.segment`)
}

/** The base in a segment's file name, or undefined for another file. */
export function segmentBase(name: string): number | undefined {
  const digits = /^(\d{16})\.segment$/.exec(name)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

export function corrupt(
  segment: { path: string },
  offset: number,
  what: string,
  cause?: unknown,
): StorageError {
  const stream = basename(dirname(segment.path))
  return new StorageError(
    'Corrupt',
    `stream ${stream}, segment ${basename(segment.path)}, offset ${offset}: ${what}`,
    { cause },
  )
}

/**
 * Makes an empty segment with zeros after its header, and resolves when it survives a power cut under its name.
 * It gets the name last: a segment that can be seen has an intact header.
 */
export async function createSegment(
  files: Files,
  directory: string,
  header: SegmentHeader,
  zeroBytes: number,
): Promise<{ segment: Segment; file: OpenFile }> {
  const path = segmentPath(directory, header.base)
  const file = await files.open(`${path}.new`, 'w+')
  try {
    const bytes = Buffer.alloc(segmentHeaderBytes + zeroBytes)
    bytes.set(encodeSegmentHeader(header))
    await writeFully(file, bytes, 0)
    await file.datasync()
    await files.rename(`${path}.new`, path)
  } catch (error) {
    await file.close().catch(() => {})
    await files.remove(`${path}.new`).catch(() => {})
    throw error
  }
  try {
    await files.syncDirectory(directory)
  } catch (error) {
    // It has its name and may keep it: there is no way back from here.
    await file.close().catch(() => {})
    throw new StorageError('Fatal', `fsync of ${directory} failed`, { cause: error })
  }
  const index = { seqs: [], offsets: [], end: segmentHeaderBytes }
  const segment = {
    path,
    header,
    lastSeq: header.previousLast,
    lastMs: header.createdMs,
    bytes: segmentHeaderBytes,
    index,
  }
  return { segment, file }
}

/** A write that the disk took only in part counts as a full disk. */
export async function writeFully(file: OpenFile, bytes: Uint8Array, at: number): Promise<void> {
  const count = await file.write(bytes, at)
  if (count < bytes.length) {
    throw new StorageError('NoSpace', `the disk took ${count} of ${bytes.length} bytes`)
  }
}

/** Puts the index behind the last batch and cuts the file there: only a shortcut, the batches say the same. */
export async function sealSegment(file: OpenFile, segment: Segment): Promise<void> {
  const index = segment.index!
  const bytes = encodeIndex(index, segment.header.salt)
  await file.truncate(index.end)
  await writeFully(file, bytes, index.end)
  await file.datasync()
}

/** Notes a batch of entries in a sparse index: a new block begins where the running one would grow too large. */
export function noteBatch(index: SegmentIndex, firstSeq: number, at: number, length: number): void {
  const blockStart = index.offsets.at(-1)
  if (blockStart === undefined || (at > blockStart && at + length - blockStart > blockBytes)) {
    index.seqs.push(firstSeq)
    index.offsets.push(at)
  }
  index.end = at + length
}

/**
 * Calls `visit` with the intact batches from `from` to `to` until one is not, or `visit` says false.
 * Resolves to the offset behind the last one taken.
 */
export async function scanBatches(
  file: OpenFile,
  from: number,
  to: number,
  salt: number,
  visit: (bytes: Buffer, batch: Batch, offset: number) => boolean | undefined,
): Promise<number> {
  let offset = from
  let want = scanBytes
  while (offset < to) {
    const window = Buffer.allocUnsafe(Math.min(want, to - offset))
    const got = await file.read(window, offset)
    let at = 0
    for (;;) {
      const batch = readBatch(window, at, got, to - offset - at, salt)
      if (!batch) return offset + at
      if ('more' in batch) {
        if (got < window.length) return offset + at
        want = Math.max(scanBytes, batch.more)
        break
      }
      if (visit(window, batch, offset + at) === false) return offset + at
      at += batch.length
    }
    offset += at
  }
  return offset
}

/** The sparse index of a finished segment: its own, or else made again from the batches. Errors: Corrupt. */
export async function loadIndex(file: OpenFile, segment: Segment): Promise<SegmentIndex> {
  const size = await file.size()
  const stored = await readStoredIndex(file, size, segment.header.salt)
  if (stored && stored.end <= size) return stored
  const index: SegmentIndex = { seqs: [], offsets: [], end: segmentHeaderBytes }
  let last = segment.header.previousLast
  const end = await scanBatches(
    file,
    segmentHeaderBytes,
    size,
    segment.header.salt,
    (_, batch, at) => {
      if (batch.count > 0) {
        noteBatch(index, batch.firstSeq, at, batch.length)
        last = batch.firstSeq + batch.count - 1
      } else index.end = at + batch.length
    },
  )
  if (last !== segment.lastSeq) throw corrupt(segment, end, 'no intact batch where one was durable')
  return index
}

async function readStoredIndex(
  file: OpenFile,
  size: number,
  salt: number,
): Promise<SegmentIndex | undefined> {
  // Most indexes fit the first read; a longer one takes a second.
  let tail = Buffer.alloc(Math.min(size - segmentHeaderBytes, 16 * 1024))
  await file.read(tail, size - tail.length)
  const length = indexLength(tail)
  if (length === undefined || length > size - segmentHeaderBytes) return undefined
  if (length > tail.length) {
    tail = Buffer.alloc(length)
    await file.read(tail, size - length)
  }
  return decodeIndex(tail.subarray(tail.length - length), salt)
}

/** Reads the entries between two batch boundaries. Errors: Corrupt. */
export async function readEntries(
  file: OpenFile,
  segment: Segment,
  from: number,
  to: number,
): Promise<Entry[]> {
  const bytes = Buffer.allocUnsafeSlow(to - from)
  const got = await file.read(bytes, from)
  const entries: Entry[] = []
  let taken = 0
  for (let at = 0; at < bytes.length; ) {
    const batch = readBatch(bytes, at, got, bytes.length - at, segment.header.salt)
    if (!batch || 'more' in batch) throw corrupt(segment, from + at, 'the batch is damaged')
    if (!payloadsIntact(bytes, batch)) throw corrupt(segment, from + at, 'a payload is damaged')
    taken = takeEntries(bytes, batch, entries, taken)
    at += batch.length
  }
  markFrameRoom(bytes)
  return entries
}
