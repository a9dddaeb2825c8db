import { join } from 'node:path'
import { StorageError } from './contracts.ts'
import type { Files, OpenFile } from './files.ts'
import {
  corrupt,
  noteBatch,
  type Segment,
  scanBatches,
  segmentBase,
  segmentPath,
} from './segment-file.ts'
import {
  decodeSegmentHeader,
  findBatch,
  payloadsIntact,
  readBatch,
  type SegmentIndex,
  segmentHeaderBytes,
} from './segment-format.ts'

export interface Recovered {
  segments: Segment[]
  /** The last segment opened for writing, with its file's size; undefined for a new stream. */
  active: { segment: Segment; file: OpenFile; fileBytes: number } | undefined
  /** No lower seq may be given out. */
  nextSeq: number
  /** Bytes of a torn write that were cut off. */
  tornBytes: number
}

/**
 * Opens a stream's segments: headers of all, batches of the last one only. A torn tail is cut off; whatever was
 * durable and is damaged is refused with StorageError Corrupt.
 */
export async function recoverSegments(files: Files, directory: string): Promise<Recovered> {
  await files.makeDirectory(directory)
  const names = await files.list(directory)
  // Left by a crash between making a segment and naming it.
  for (const name of names.filter((name) => name.endsWith('.new'))) {
    await files.remove(join(directory, name))
  }
  const bases = names.map(segmentBase).filter((base) => base !== undefined)
  const segments = await readHeaders(files, directory, bases)
  const last = segments.at(-1)
  if (!last) return { segments, active: undefined, nextSeq: 1, tornBytes: 0 }
  const file = await files.open(last.path, 'r+')
  try {
    return { segments, ...(await recoverLast(file, last)) }
  } catch (error) {
    await file.close()
    throw error
  }
}

async function readHeaders(files: Files, directory: string, bases: number[]): Promise<Segment[]> {
  const segments: Segment[] = []
  for (let at = 0; at < bases.length; at += 32) {
    const some = bases.slice(at, at + 32).map((base) => readHeader(files, directory, base))
    segments.push(...(await Promise.all(some)))
  }
  for (const [index, segment] of segments.entries()) {
    const next = segments[index + 1]
    if (!next) break
    if (next.header.previousBase !== segment.header.base) {
      throw corrupt(next, 0, `the segment before it, ${next.header.previousBase}, is missing`)
    }
    segment.lastSeq = next.header.previousLast
    segment.lastMs = next.header.createdMs
  }
  return segments
}

async function readHeader(files: Files, directory: string, base: number): Promise<Segment> {
  const path = segmentPath(directory, base)
  const file = await files.open(path, 'r')
  try {
    const bytes = Buffer.alloc(segmentHeaderBytes)
    const got = await file.read(bytes, 0)
    const header = decodeSegmentHeader(bytes.subarray(0, got))
    if (header?.base !== base) throw corrupt({ path }, 0, 'the header is damaged')
    const { previousLast: lastSeq, createdMs: lastMs } = header
    return { path, header, lastSeq, lastMs, bytes: await file.size(), index: undefined }
  } finally {
    await file.close()
  }
}

async function recoverLast(file: OpenFile, segment: Segment): Promise<Omit<Recovered, 'segments'>> {
  const { header } = segment
  const index: SegmentIndex = { seqs: [], offsets: [], end: segmentHeaderBytes }
  let fileBytes = await file.size()
  let nextSeq = Math.max(header.base, header.previousLast + 1)
  const end = await scanBatches(
    file,
    segmentHeaderBytes,
    fileBytes,
    header.salt,
    (bytes, batch, at) => {
      if (batch.firstSeq < nextSeq || !payloadsIntact(bytes, batch)) return false
      nextSeq = batch.firstSeq + batch.count
      segment.lastMs = Math.max(segment.lastMs, batch.timeMs)
      if (batch.count > 0) {
        noteBatch(index, batch.firstSeq, at, batch.length)
        segment.lastSeq = nextSeq - 1
      } else index.end = at + batch.length
      return true
    },
  )
  const tornBytes = await inspectRest(file, segment, end, fileBytes)
  if (tornBytes > 0) {
    await file.truncate(end)
    fileBytes = end
  }
  // After a kill the batches may be no further than the page cache, and they are about to be shown to readers.
  try {
    await file.datasync()
  } catch (error) {
    throw new StorageError('Fatal', `fsync of ${segment.path} failed`, { cause: error })
  }
  segment.index = index
  segment.bytes = end
  return { active: { segment, file, fileBytes }, nextSeq, tornBytes }
}

/**
 * Decides what lies behind the last intact batch: preallocated zeros (0), a torn write (its bytes, to be cut off) or
 * damage to something durable (Corrupt): a batch further on whose group began beyond this place was only written
 * after this place had been fsynced.
 */
async function inspectRest(
  file: OpenFile,
  segment: Segment,
  end: number,
  fileBytes: number,
): Promise<number> {
  const bytes = Buffer.alloc(fileBytes - end)
  await file.read(bytes, end)
  let torn = bytes.length
  while (torn > 0 && bytes[torn - 1] === 0) torn--
  if (torn === 0) return 0
  for (let at = findBatch(bytes, 0); at >= 0; at = findBatch(bytes, at + 1)) {
    const left = bytes.length - at
    const batch = readBatch(bytes, at, bytes.length, left, segment.header.salt)
    if (batch && !('more' in batch) && at - batch.groupBack > 0) {
      throw corrupt(segment, end, 'durable batches follow a damaged one')
    }
  }
  return torn
}
