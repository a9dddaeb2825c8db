import { type Entry, StorageError } from './contracts.ts'
import { isMissing } from './errors.ts'
import type { OpenFiles } from './open-files.ts'
import { blockBytes, corrupt, loadIndex, readEntries, type Segment } from './segment-file.ts'

/** Entries of one block, cut into batches that every reader with the default bound shares. */
type Block = readonly (readonly Entry[])[]

/** Cuts entries into batches of at most `maxBytes` of payload, or of one entry. Returns the same array when one is enough. */
export function cutBatches(entries: Entry[], maxBytes: number): Entry[][] {
  const batches: Entry[][] = []
  let start = 0
  let bytes = 0
  for (let index = 0; index < entries.length; index++) {
    const length = entries[index]!.payload.length
    if (index > start && bytes + length > maxBytes) {
      batches.push(entries.slice(start, index))
      start = index
      bytes = 0
    }
    bytes += length
  }
  if (start === 0) return entries.length > 0 ? [entries] : []
  batches.push(entries.slice(start))
  return batches
}

/**
 * Reads batches from the segments, block by block. Blocks just read are kept for a while (bounded in bytes), so that
 * readers that follow the same stretch cost one read, one decoding and one set of objects.
 */
export class StreamReads {
  readonly #segments: Segment[]
  readonly #openFiles: OpenFiles
  readonly #cacheBytes: number
  readonly #blocks = new Map<string, { block: Promise<Block>; bytes: number }>()
  #cachedBytes = 0

  constructor(segments: Segment[], openFiles: OpenFiles, cacheBytes: number) {
    this.#segments = segments
    this.#openFiles = openFiles
    this.#cacheBytes = cacheBytes
  }

  /** The next durable entries above `after`; undefined when there are none. May go beyond any release. */
  async next(after: number): Promise<readonly Entry[] | undefined> {
    for (;;) {
      const segment = this.#segmentAfter(after)
      if (!segment) return undefined
      try {
        return await this.#nextIn(segment, after)
      } catch (error) {
        if (error instanceof StorageError) throw error
        // Trimmed away under the reader: what is left begins further on.
        if (isMissing(error) && !this.#segments.includes(segment)) continue
        throw corrupt(segment, 0, `it cannot be read: ${(error as Error).message}`, error)
      }
    }
  }

  #segmentAfter(after: number): Segment | undefined {
    let low = 0
    let high = this.#segments.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#segments[middle]!.lastSeq > after) high = middle
      else low = middle + 1
    }
    // One without entries carries the last seq of the one before it.
    while (low < this.#segments.length && isEmpty(this.#segments[low]!)) low++
    return this.#segments[low]
  }

  /** Forgets every block: their payloads may have been erased. */
  clear(): void {
    this.#blocks.clear()
    this.#cachedBytes = 0
  }

  async #nextIn(segment: Segment, after: number): Promise<readonly Entry[]> {
    segment.index ??= await this.#openFiles.use(segment.path, (file) => loadIndex(file, segment))
    const { seqs, offsets, end } = segment.index
    for (let row = blockOf(seqs, after + 1); row < seqs.length; row++) {
      const block = await this.#block(segment, offsets[row]!, offsets[row + 1] ?? end)
      for (const batch of block) {
        if (batch.at(-1)!.seq <= after) continue
        if (batch[0]!.seq > after) return batch
        return batch.slice(batch.findIndex(({ seq }) => seq > after))
      }
    }
    throw corrupt(segment, end, `it ends before its last seq ${segment.lastSeq}`)
  }

  #block(segment: Segment, from: number, to: number): Promise<Block> {
    const key = `${segment.header.base}:${from}:${to}`
    const cached = this.#blocks.get(key)
    if (cached) {
      this.#blocks.delete(key)
      this.#blocks.set(key, cached)
      return cached.block
    }
    const block = this.#openFiles
      .use(segment.path, (file) => readEntries(file, segment, from, to))
      .then((entries) => cutBatches(entries, blockBytes))
    const held = { block, bytes: to - from }
    this.#blocks.set(key, held)
    this.#cachedBytes += held.bytes
    block.catch(() => this.#drop(key, held))
    for (const [oldest, other] of this.#blocks) {
      if (this.#cachedBytes <= this.#cacheBytes) break
      this.#drop(oldest, other)
    }
    return block
  }

  #drop(key: string, held: { bytes: number }): void {
    if (this.#blocks.get(key) !== held) return
    this.#blocks.delete(key)
    this.#cachedBytes -= held.bytes
  }
}

function isEmpty(segment: Segment): boolean {
  return segment.lastSeq <= segment.header.previousLast
}

/** The last block that begins at or before `seq`. */
function blockOf(seqs: readonly number[], seq: number): number {
  let low = 0
  let high = seqs.length
  while (low + 1 < high) {
    const middle = (low + high) >> 1
    if (seqs[middle]! <= seq) low = middle
    else high = middle
  }
  return low
}
