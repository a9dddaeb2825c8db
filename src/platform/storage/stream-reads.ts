import { Company } from './company.ts'
import { type Entry, type EntryBatch, StorageError } from './contracts.ts'
import { isMissing } from './errors.ts'
import type { OpenFiles } from './open-files.ts'
import { blockBytes, corrupt, loadIndex, readEntries, type Segment } from './segment-file.ts'

/** Entries of one block, cut into batches that every reader with the default bound shares. */
type Block = (readonly Entry[])[]

/** Where a block lies in its segment, and the seqs it may hold. */
interface Place {
  from: number
  to: number
  firstSeq: number
  lastSeq: number
}

/** Kept for a reader that has no company. */
const ALONE_BYTES = 2 * blockBytes

const EMPTY: Promise<Block> = Promise.resolve([])

interface Held {
  block: Promise<Block>
  place: Place
  bytes: number
  /** Counted, as it is in memory or about to be. */
  isIn: boolean
  /** No longer kept for others. */
  isOut: boolean
  /** Who asked for it and has not said that it has done with it. */
  users: number
  /** Parts of it are with somebody who will not say when. */
  isLent: boolean
}

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
  readonly #blocks = new Map<string, Held>()
  readonly #company = new Company()
  #cachedBytes = 0

  constructor(segments: Segment[], openFiles: OpenFiles, cacheBytes: number) {
    this.#segments = segments
    this.#openFiles = openFiles
    this.#cacheBytes = cacheBytes
  }

  /**
   * The next durable entries above `after`; undefined when there are none. May go beyond any release. Who reads is waited
   * for by those ahead of it, until it has `left`.
   */
  async next(after: number, reader: object): Promise<EntryBatch | undefined> {
    this.#company.moved(reader, after)
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

  left(reader: object): void {
    this.#company.left(reader)
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
    for (const [key, held] of this.#blocks) this.#drop(key, held)
  }

  async #nextIn(segment: Segment, after: number): Promise<EntryBatch> {
    segment.index ??= await this.#openFiles.use(segment.path, (file) => loadIndex(file, segment))
    const { seqs, offsets, end } = segment.index
    for (let row = blockOf(seqs, after + 1); row < seqs.length; row++) {
      const held = this.#hold(segment, {
        from: offsets[row]!,
        to: offsets[row + 1] ?? end,
        firstSeq: seqs[row]!,
        lastSeq: (seqs[row + 1] ?? segment.lastSeq + 1) - 1,
      })
      const block = await held.block
      for (const batch of block) {
        if (batch.at(-1)!.seq <= after) continue
        if (batch[0]!.seq > after && block.length === 1) return this.#lend(batch, held)
        held.isLent = true
        if (batch[0]!.seq > after) return batch
        return batch.slice(batch.findIndex(({ seq }) => seq > after))
      }
      this.#release(held)
    }
    throw corrupt(segment, end, `it ends before its last seq ${segment.lastSeq}`)
  }

  /** The block at a place, for one more user. */
  #hold(segment: Segment, place: Place): Held {
    const { from, to } = place
    const key = `${segment.header.base}:${from}:${to}`
    const cached = this.#blocks.get(key)
    if (cached) {
      this.#blocks.delete(key)
      this.#blocks.set(key, cached)
      cached.users++
      return cached
    }
    const held: Held = {
      block: EMPTY,
      place,
      bytes: to - from,
      isIn: false,
      isOut: false,
      users: 1,
      isLent: false,
    }
    this.#blocks.set(key, held)
    held.block = this.#makeRoom(key, held)
      .then(() => this.#openFiles.use(segment.path, (file) => readEntries(file, segment, from, to)))
      .then((entries) => cutBatches(entries, blockBytes))
    held.block.catch(() => this.#drop(key, held))
    return held
  }

  /** A block as one batch, whose users say when they have done with it. */
  #lend(batch: readonly Entry[], held: Held): EntryBatch {
    if (Symbol.dispose in batch) return batch as EntryBatch
    return Object.defineProperty(batch, Symbol.dispose, { value: () => this.#release(held) })
  }

  #release(held: Held): void {
    held.users = Math.max(0, held.users - 1)
    freeUnused(held)
  }

  /** Puts blocks out of memory for another: those right before it only when the readers on their way to it have had them. */
  async #makeRoom(key: string, held: Held): Promise<void> {
    while (this.#cachedBytes + held.bytes > this.#keptBytes()) {
      const { firstSeq } = held.place
      const near = this.#nearStart(firstSeq)
      const last = this.#company.lastBetween(near - 1, firstSeq - 1)
      if (this.#dropOne(near, firstSeq, last ?? firstSeq)) continue
      if (last === undefined) break
      await this.#company.waitFor(last)
    }
    if (this.#blocks.get(key) !== held) return
    held.isIn = true
    this.#cachedBytes += held.bytes
  }

  /** Who reads alone comes by each block once: those it has had are let go young, when that costs least. */
  #keptBytes(): number {
    return this.#company.size > 1 ? this.#cacheBytes : Math.min(this.#cacheBytes, ALONE_BYTES)
  }

  /** Where the blocks in memory begin that lead to this seq without a gap. */
  #nearStart(seq: number): number {
    const places = Array.from(this.#blocks.values(), ({ isIn, place }) =>
      isIn ? place : undefined,
    )
    let start = seq
    for (;;) {
      const before = places.find((place) => place?.lastSeq === start - 1)
      if (!before) return start
      start = before.firstSeq
    }
  }

  /** Drops the block unused for longest, but none from `near` to `seq` that the one at `last` has yet to read. */
  #dropOne(near: number, seq: number, last: number): boolean {
    for (const [key, held] of this.#blocks) {
      const { firstSeq, lastSeq } = held.place
      if (!held.isIn || (firstSeq >= near && firstSeq < seq && lastSeq > last)) continue
      this.#drop(key, held)
      return true
    }
    return false
  }

  #drop(key: string, held: Held): void {
    if (this.#blocks.get(key) !== held) return
    this.#blocks.delete(key)
    if (held.isIn) this.#cachedBytes -= held.bytes
    held.isOut = true
    freeUnused(held)
  }
}

/** Frees the bytes of a block that nobody holds nor can come to hold. Its entries lie in one buffer. */
function freeUnused(held: Held): void {
  if (!held.isOut || held.users > 0 || held.isLent) return
  held.block.then(
    ([entries]) => {
      const buffer = entries?.find(({ payload }) => payload.length > 0)?.payload.buffer
      if (buffer) (buffer as ArrayBuffer).transfer(0)
    },
    () => {},
  )
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
