import {
  type CarBlock,
  invalidCar,
  MAX_HEADER_BYTES,
  pieceEnd,
  readBlock,
  readHeader,
} from './car.ts'
import { CID_LENGTH, type CidBytes } from './cid.ts'

export interface CarLimits {
  /** The largest content of one block. Default 2 MiB. */
  maxBlockBytes?: number
  /** The largest header. Default 4096. */
  maxHeaderBytes?: number
  /** The largest file. Default: none. */
  maxBytes?: number
}

const DEFAULT_MAX_BLOCK_BYTES = 2 * 1024 * 1024

/**
 * Reads a CAR file as it arrives, holding one chunk and at most one unfinished block. Gives the roots
 * as soon as the header is there; the blocks in batches, as many as a chunk completed, in their
 * order, never an empty batch. Blocks are views of the chunks, their hashes not checked. Throws
 * 'InvalidCar', at once or while iterating; errors of the source pass through. Ending the iteration
 * early ends the source.
 */
export async function readCarStream(
  chunks: AsyncIterable<Uint8Array>,
  limits: CarLimits = {},
): Promise<{ roots: CidBytes[]; blocks: AsyncIterable<CarBlock[]> }> {
  const maxBytes = limits.maxBytes ?? Number.MAX_SAFE_INTEGER
  const source = chunks[Symbol.asyncIterator]()
  const window = new Window(maxBytes)
  try {
    const headerEnd = await fillHeader(source, window, limits.maxHeaderBytes ?? MAX_HEADER_BYTES)
    const roots = readHeader(window.bytes, window.start, headerEnd)
    window.start = headerEnd
    const maxPieceBytes = CID_LENGTH + (limits.maxBlockBytes ?? DEFAULT_MAX_BLOCK_BYTES)
    return { roots, blocks: readBlocks(source, window, maxPieceBytes) }
  } catch (error) {
    await source.return?.()
    throw error
  }
}

async function fillHeader(
  source: AsyncIterator<Uint8Array>,
  window: Window,
  maxBytes: number,
): Promise<number> {
  for (;;) {
    const headerEnd = pieceEnd(window.bytes, window.start, window.end, maxBytes)
    if (headerEnd <= window.end) return headerEnd
    const next = await source.next()
    if (next.done) throw invalidCar('it ends within the header')
    window.append(next.value, headerEnd)
  }
}

async function* readBlocks(
  source: AsyncIterator<Uint8Array>,
  window: Window,
  maxPieceBytes: number,
): AsyncGenerator<CarBlock[], undefined> {
  try {
    for (;;) {
      const batch: CarBlock[] = []
      let end = window.start
      while (window.start < window.end) {
        end = pieceEnd(window.bytes, window.start, window.end, maxPieceBytes)
        if (end > window.end) break
        batch.push(readBlock(window.bytes, window.start, end))
        window.start = end
      }
      if (batch.length > 0) yield batch
      const next = await source.next()
      if (next.done) break
      window.append(next.value, end)
    }
    if (window.start < window.end) throw invalidCar('it ends within a block')
  } finally {
    await source.return?.()
  }
}

/**
 * The bytes read and not yet used. Blocks handed out are views of it, so what was once written is
 * never written again: room is made in a new array, twice as large as needed, so that a block that
 * comes in tiny chunks is copied a few times and not once for each.
 */
class Window {
  bytes = new Uint8Array(0)
  start = 0
  end = 0
  readonly #maxBytes: number
  #readBytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Adds a chunk. `wantedEnd`: the offset at which the unfinished piece will end. */
  append(chunk: Uint8Array, wantedEnd: number): void {
    this.#readBytes += chunk.length
    if (this.#readBytes > this.#maxBytes) throw invalidCar(`more than ${this.#maxBytes} bytes`)
    if (this.start === this.end) {
      this.bytes = chunk as Uint8Array<ArrayBuffer>
      this.start = 0
      this.end = chunk.length
      this.#owned = false
      return
    }
    if (!this.#owned || this.end + chunk.length > this.bytes.length)
      this.#grow(chunk.length, wantedEnd)
    this.bytes.set(chunk, this.end)
    this.end += chunk.length
  }

  /** Whether the array is ours, with room behind `end`; else it is the chunk as it came. */
  #owned = false

  #grow(added: number, wantedEnd: number): void {
    const needed = this.end - this.start + added
    const grown = new Uint8Array(Math.max(needed, Math.min(wantedEnd - this.start, 2 * needed)))
    grown.set(this.bytes.subarray(this.start, this.end))
    this.bytes = grown
    this.end -= this.start
    this.start = 0
    this.#owned = true
  }
}
