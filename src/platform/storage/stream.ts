import { dirname } from 'node:path'
import {
  type Appended,
  type Entry,
  type EntryBatch,
  type NewEntry,
  type ReadOptions,
  StorageError,
  type Stream,
  type StreamBounds,
  type TrimOptions,
} from './contracts.ts'
import type { Files } from './files.ts'
import { LiveTail } from './live-tail.ts'
import { OpenFiles } from './open-files.ts'
import type { Segment } from './segment-file.ts'
import { blankSegment, firstSeqOf } from './segment-upkeep.ts'
import { StreamReader } from './stream-reader.ts'
import { StreamReads } from './stream-reads.ts'
import { StreamWriter, type WriterOptions } from './stream-writer.ts'

export interface LocalStreamOptions
  extends Omit<WriterOptions, 'onDurable' | 'onFailed' | 'segments'> {
  name: string
  segments: Segment[]
  firstSeq: number
  /** Newest durable seq; `firstSeq - 1` when there is none. */
  durable: number
  manualRelease: boolean
  tailBytes: number
  cacheBytes: number
  maxOpenSegments: number
  onFailed: ((error: StorageError, firstSeq: number) => void) | undefined
  onClose: () => void
}

/** A stream on local segment files. */
export class LocalStream implements Stream {
  readonly name: string
  readonly #files: Files
  readonly #segments: Segment[]
  readonly #manualRelease: boolean
  readonly #openFiles: OpenFiles
  readonly #reads: StreamReads
  readonly #tail: LiveTail
  readonly #writer: StreamWriter
  readonly #onClose: () => void
  #first: number
  #durable: number
  /** Blanking and trimming go one after another. */
  #upkeep: Promise<unknown> = Promise.resolve()
  #closed: Promise<void> | undefined
  #closing = false

  constructor(options: LocalStreamOptions) {
    this.name = options.name
    this.#files = options.files
    this.#segments = options.segments
    this.#manualRelease = options.manualRelease
    this.#openFiles = new OpenFiles(options.files, options.maxOpenSegments)
    this.#reads = new StreamReads(options.segments, this.#openFiles, options.cacheBytes)
    this.#first = options.firstSeq
    this.#durable = options.durable
    const visible = options.manualRelease ? options.firstSeq - 1 : this.#durable
    this.#tail = new LiveTail(visible, options.tailBytes, options.durable)
    this.#onClose = options.onClose
    this.#writer = new StreamWriter({
      ...options,
      onDurable: (entries) => this.#onDurable(entries),
      onFailed: (error, firstSeq) => options.onFailed?.(error, firstSeq),
    })
  }

  append(entries: readonly NewEntry[]): Appended {
    return this.#writer.append(entries)
  }

  copy(entries: readonly Entry[]): Promise<void> {
    return this.#writer.copy(entries)
  }

  bounds(): StreamBounds {
    return { first: this.#first, last: this.#tail.visible, durable: this.#durable }
  }

  release(seq: number): void {
    if (!this.#manualRelease || seq > this.#durable) {
      throw new StorageError('InvalidArgument', `release of ${seq}, durable is ${this.#durable}`)
    }
    this.#tail.show(seq)
  }

  read(options: ReadOptions): AsyncIterableIterator<EntryBatch> {
    return new StreamReader(this, options, this.#tail.visible)
  }

  tail(after: number): AsyncIterableIterator<readonly Entry[]> {
    return new StreamReader(this, { after }, this.#durable)
  }

  /** The next batch above `after` and up to `limit`, for a reader; undefined when there is none. */
  async fetch(after: number, limit: number, reader: object): Promise<EntryBatch | undefined> {
    // What was trimmed may still be in memory; it is gone all the same.
    const from = Math.max(after, this.#first - 1)
    if (from >= limit) return undefined
    const live = this.#tail.next(from)
    if (live) this.#reads.left(reader)
    const batch = live ?? (await this.#reads.next(from, reader))
    if (!batch || batch.at(-1)!.seq <= limit) return batch
    const visible = batch.filter(({ seq }) => seq <= limit)
    return visible.length > 0 ? visible : undefined
  }

  /** Told by a reader that it ends. */
  left(reader: object): void {
    this.#reads.left(reader)
  }

  get closed(): boolean {
    return this.#closing
  }

  get liveTail(): LiveTail {
    return this.#tail
  }

  blank(select: (entry: { seq: number; key: string; kind: number }) => boolean): Promise<number> {
    return this.#inUpkeep(async () => {
      await this.#writer.settled()
      const upTo = this.#durable
      const erased = new Set<number>()
      for (const segment of [...this.#segments]) {
        try {
          await blankSegment(this.#files, segment, upTo, select, erased)
        } catch (error) {
          if (error instanceof StorageError && error.code === 'Fatal') this.#writer.die(error)
          throw error
        } finally {
          this.#tail.blank(({ seq }) => erased.has(seq))
          this.#reads.clear()
        }
      }
      return erased.size
    })
  }

  async trim(options: TrimOptions): Promise<void> {
    await this.#inUpkeep(async () => {
      let count = this.#countToTrim(options)
      if (count === 0) return
      if (count === this.#segments.length) {
        // The segment written to may go as well once another has taken its place; but what was on its way when it
        // was judged may have landed in it, so that it is judged again.
        await this.#writer.roll()
        count = Math.min(this.#countToTrim(options), this.#segments.length - 1)
      }
      for (let done = 0; done < count; done++) await this.#removeOldest()
      this.#first = await firstSeqOf(this.#openFiles, this.#segments, this.#durable + 1)
    })
  }

  /** One at a time and synced: after a power cut the oldest may be missing, never one in the middle. */
  async #removeOldest(): Promise<void> {
    const { path } = this.#segments.shift()!
    await this.#openFiles.forget(path)
    await this.#files.remove(path)
    await this.#files.syncDirectory(dirname(path))
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#closing = true
    this.#tail.wakeAll()
    await this.#writer.close()
    await this.#upkeep.catch(() => {})
    await this.#openFiles.closeAll()
    this.#onClose()
  }

  #onDurable(entries: readonly Entry[]): void {
    this.#durable = entries.at(-1)!.seq
    if (this.#first > this.#durable) this.#first = entries[0]!.seq
    this.#tail.hold(entries)
    if (!this.#manualRelease) this.#tail.show(this.#durable)
  }

  /** How many of the oldest segments may go. */
  #countToTrim({ beforeSeq = Number.POSITIVE_INFINITY, beforeMs, keepBytes }: TrimOptions): number {
    let bytes = 0
    for (const segment of this.#segments) bytes += segment.bytes
    const count = this.#segments.findIndex((segment) => {
      const old = beforeMs !== undefined && segment.lastMs < beforeMs
      const over = keepBytes !== undefined && bytes > keepBytes
      bytes -= segment.bytes
      const asked = (beforeMs === undefined && keepBytes === undefined) || old || over
      return !asked || segment.lastSeq >= beforeSeq || segment.lastSeq > this.#tail.visible
    })
    return count < 0 ? this.#segments.length : count
  }

  async #inUpkeep<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closing) throw new StorageError('Closed', `the stream ${this.name} is closed`)
    const result = this.#upkeep.then(work, work)
    this.#upkeep = result.catch(() => {})
    return result
  }
}
