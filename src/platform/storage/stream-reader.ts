import { type Entry, type EntryBatch, type ReadOptions, StorageError } from './contracts.ts'
import type { LiveTail } from './live-tail.ts'
import { blockBytes } from './segment-file.ts'
import { cutBatches } from './stream-reads.ts'

/** What a reader asks of its stream. */
export interface ReadableStream {
  readonly name: string
  readonly closed: boolean
  readonly liveTail: LiveTail
  /** The next batch above `after` and up to `limit`; undefined when there is none. */
  fetch(after: number, limit: number, reader: object): Promise<EntryBatch | undefined>
  /** Told by a reader that it ends. */
  left(reader: object): void
}

/** A cursor. It holds at most the batch it hands out. */
export class StreamReader implements AsyncIterableIterator<EntryBatch> {
  readonly #stream: ReadableStream
  readonly #live: boolean
  /** Where a reader that is not live ends. */
  readonly #upTo: number
  readonly #maxBatchBytes: number
  readonly #signal: AbortSignal | undefined
  #after: number
  /** Pieces of a batch that was larger than this reader takes. */
  #pieces: EntryBatch[] = []
  #ended = false
  #wake: (() => void) | undefined

  constructor(stream: ReadableStream, options: ReadOptions, upTo: number) {
    if (Number.isNaN(options.after)) {
      throw new StorageError('InvalidArgument', 'a cursor is a number')
    }
    this.#stream = stream
    this.#after = options.after
    this.#live = options.live ?? false
    this.#upTo = upTo
    this.#maxBatchBytes = options.maxBatchBytes ?? blockBytes
    this.#signal = options.signal
    this.#signal?.addEventListener('abort', this.#end, { once: true })
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<readonly Entry[]> {
    return this
  }

  async next(): Promise<IteratorResult<EntryBatch>> {
    while (!this.#ended && !this.#signal?.aborted) {
      if (this.#stream.closed) {
        if (this.#live) break
        throw new StorageError('Closed', `the stream ${this.#stream.name} is closed`)
      }
      const batch = this.#pieces.shift() ?? (await this.#fetch())
      if (this.#ended) break
      if (batch) {
        this.#after = batch.at(-1)!.seq
        return { done: false, value: batch }
      }
      if (!this.#live) break
      await this.#more()
    }
    this.#end()
    return { done: true, value: undefined }
  }

  async return(): Promise<IteratorResult<EntryBatch>> {
    this.#end()
    return { done: true, value: undefined }
  }

  async #fetch(): Promise<EntryBatch | undefined> {
    const limit = this.#live ? this.#stream.liveTail.visible : this.#upTo
    const batch = await this.#stream.fetch(this.#after, limit, this)
    // Burned seqs may be all that is left below the limit.
    if (!batch) this.#after = Math.max(this.#after, limit)
    if (!batch || this.#maxBatchBytes >= blockBytes) return batch
    this.#pieces = cutBatches(batch as Entry[], this.#maxBatchBytes)
    return this.#pieces.shift()
  }

  /** Resolves when more may be there, or when this reader is ended. */
  #more(): Promise<void> {
    return new Promise((resolve) => {
      // Something may have happened while the segments were read.
      const { closed, liveTail } = this.#stream
      if (closed || liveTail.visible > this.#after) return resolve()
      this.#wake = resolve
      liveTail.wait(resolve)
    })
  }

  #end = (): void => {
    if (this.#ended) return
    this.#ended = true
    this.#pieces = []
    this.#stream.left(this)
    this.#signal?.removeEventListener('abort', this.#end)
    if (!this.#wake) return
    this.#stream.liveTail.unwait(this.#wake)
    this.#wake()
  }
}
