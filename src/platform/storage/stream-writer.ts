import { type Appended, type Entry, type NewEntry, StorageError } from './contracts.ts'
import { isNoSpace } from './errors.ts'
import type { Files, OpenFile } from './files.ts'
import { createSegment, noteBatch, type Segment, sealSegment, writeFully } from './segment-file.ts'
import { batchHeaderBytes, batchLength, segmentHeaderBytes, writeBatch } from './segment-format.ts'

/** Encoded bytes that may wait for the disk before appends are refused. */
const maxQueuedBytes = 128 * 1024 * 1024
/** One call of append, encoded. */
const maxBatchBytes = 64 * 1024 * 1024
/** A group is closed beyond this, so that one fsync never carries everything that waits. */
const groupBytes = 4 * 1024 * 1024
const maxSpareBytes = 1024 * 1024
const maxEntries = 100_000
/** Zeros written ahead: an append into them changes no size and no extents, which halves the cost of its fsync. */
const minZeroBytes = 256 * 1024
const maxZeroBytes = 4 * 1024 * 1024
const zeros = Buffer.alloc(maxZeroBytes)
/** Free space is looked at once in so many groups, or at once while it is short. */
const groupsPerSpaceCheck = 64

export interface WriterOptions {
  files: Files
  directory: string
  now: () => number
  segmentBytes: number
  reserveBytes: number
  /** Seeds the checksums of this stream. */
  salt: number
  segments: Segment[]
  active: { segment: Segment; file: OpenFile; fileBytes: number } | undefined
  nextSeq: number
  /** Called after the fsync of each group, in order. */
  onDurable: (entries: readonly Entry[]) => void
  onFailed: (error: StorageError, firstSeq: number) => void
  onFatal: (error: StorageError) => void
}

/** What one write and one fsync carry. */
interface Group {
  bytes: Buffer
  length: number
  entries: Entry[]
  batches: { firstSeq: number; at: number; length: number }[]
  first: number
  settled: PromiseWithResolvers<void>
}

/** The one writer of a stream: assigns seqs, gathers appends into groups, writes them into segments. */
export class StreamWriter {
  readonly #options: WriterOptions
  #active: { segment: Segment; file: OpenFile; fileBytes: number } | undefined
  #nextSeq: number
  #queue: Group[] = []
  #queuedBytes = 0
  #running: Promise<void> | undefined
  #zeroing: Promise<void> | undefined
  #sealing: Promise<void> = Promise.resolve()
  #refusal: StorageError | undefined
  #checkingSpace = false
  #groupsUntilCheck = 0
  #making = false
  #spare: Buffer | undefined
  /** Ask for a new segment before the next group. */
  #rollAsked = false
  #previous: Segment | undefined

  constructor(options: WriterOptions) {
    this.#options = options
    this.#active = options.active
    this.#previous = options.active?.segment
    this.#nextSeq = options.nextSeq
    this.#checkSpace()
  }

  get nextSeq(): number {
    return this.#nextSeq
  }

  append(entries: readonly NewEntry[]): Appended {
    if (this.#refusal) {
      if (this.#refusal.code === 'NoSpace') this.#checkSpace()
      throw this.#refusal
    }
    if (this.#making) throw new StorageError('InvalidArgument', 'append called from within make')
    if (entries.length === 0 || entries.length > maxEntries) {
      throw new StorageError('InvalidArgument', `an append of ${entries.length} entries`)
    }
    if (this.#queuedBytes > maxQueuedBytes) {
      throw new StorageError('Overloaded', 'too many bytes wait for the disk')
    }
    const first = this.#nextSeq
    const group = this.#enqueue(first, this.#makePayloads(entries, first), entries)
    this.#nextSeq = first + entries.length
    this.#kick()
    return { first, last: this.#nextSeq - 1, durable: group.settled.promise }
  }

  /** Resolves when nothing queued before this call is undecided any more. */
  async settled(): Promise<void> {
    const last = this.#queue.at(-1)
    if (last) await last.settled.promise.catch(() => {})
    else await this.#running
  }

  /** Goes on in a new segment; resolves when it is there. */
  async roll(): Promise<void> {
    this.#rollAsked = true
    this.#running ??= this.#run()
    await this.#running
  }

  async close(): Promise<void> {
    if (this.#refusal?.code === 'Closed') return
    const healthy = this.#refusal?.code !== 'Fatal'
    this.#refusal = new StorageError('Closed', 'the stream is closed')
    await this.settled()
    await this.#running
    await this.#zeroing
    await this.#sealing
    if (healthy && this.#active) await this.#writeCloseMark().catch(() => {})
    await this.#active?.file.close()
  }

  #makePayloads(entries: readonly NewEntry[], first: number): Uint8Array[] {
    this.#making = true
    try {
      return entries.map((entry, index) => entry.make(first + index))
    } finally {
      this.#making = false
    }
  }

  #enqueue(first: number, payloads: Uint8Array[], entries: readonly NewEntry[]): Group {
    let keysLength = 0
    let payloadsLength = 0
    for (const [index, { key, kind }] of entries.entries()) {
      const keyLength = Buffer.byteLength(key)
      if (keyLength > 255 || (kind & 0xff) !== kind) {
        throw new StorageError('InvalidArgument', `an entry of key ${key} and kind ${kind}`)
      }
      keysLength += keyLength
      payloadsLength += payloads[index]!.length
    }
    const length = batchLength(entries.length, keysLength, payloadsLength)
    if (length > maxBatchBytes) {
      throw new StorageError('TooLarge', `an append of ${length} bytes`)
    }
    const group = this.#groupFor(length, first)
    const at = group.length
    const timeMs = this.#options.now()
    const keys = entries.map(({ key }) => key)
    const kinds = entries.map(({ kind }) => kind)
    const parts = { firstSeq: first, timeMs, groupBack: at, keys, kinds, payloads }
    writeBatch(group.bytes, at, length, keysLength, parts, this.#options.salt)
    group.length += length
    group.batches.push({ firstSeq: first, at, length })
    for (let index = 0; index < keys.length; index++) {
      group.entries.push({
        seq: first + index,
        key: keys[index]!,
        kind: kinds[index]!,
        timeMs,
        payload: payloads[index]!,
        blanked: false,
      })
    }
    this.#queuedBytes += length
    return group
  }

  /** The last queued group, with room for `length` more bytes. */
  #groupFor(length: number, first: number): Group {
    let group = this.#queue.at(-1)
    if (!group || group.length + length > groupBytes) {
      group = {
        bytes: this.#takeSpare(length),
        length: 0,
        entries: [],
        batches: [],
        first,
        settled: Promise.withResolvers<void>(),
      }
      // Who does not wait hears of a failure by onFailed; it must not end the process as an unhandled rejection.
      group.settled.promise.catch(() => {})
      this.#queue.push(group)
    }
    if (group.length + length > group.bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(group.bytes.length * 2, group.length + length))
      group.bytes.copy(grown, 0, 0, group.length)
      group.bytes = grown
    }
    return group
  }

  /** Payloads were copied into the group's bytes: once written, the room serves the next group. */
  #keepSpare(bytes: Buffer): void {
    if (bytes.length <= maxSpareBytes) this.#spare = bytes
  }

  #takeSpare(length: number): Buffer {
    const spare = this.#spare
    this.#spare = undefined
    return spare && spare.length >= length ? spare : Buffer.allocUnsafe(Math.max(length, 16 * 1024))
  }

  /** Begins at the end of this turn of the loop, so that appends caused by the same events share the first write. */
  #kick(): void {
    this.#running ??= new Promise<void>((resolve) => setImmediate(resolve)).then(() => this.#run())
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0 || this.#rollAsked) {
      const group = this.#queue.shift()
      try {
        if (this.#rollAsked) {
          this.#rollAsked = false
          await this.#roll(group?.first ?? this.#nextSeq)
        }
        if (group) await this.#write(group)
      } catch (error) {
        await this.#fail(error, group)
        continue
      }
      if (!group) continue
      this.#queuedBytes -= group.length
      if (--this.#groupsUntilCheck < 0) this.#checkSpace()
      this.#keepSpare(group.bytes)
      this.#options.onDurable(group.entries)
      group.settled.resolve()
    }
    this.#running = undefined
  }

  async #write(group: Group): Promise<void> {
    const end = this.#active?.segment.index?.end ?? 0
    if (!this.#active) await this.#roll(group.first)
    else if (end + group.length > this.#options.segmentBytes && end > segmentHeaderBytes) {
      await this.#roll(group.first)
    }
    const { segment, file } = this.#active!
    const index = segment.index!
    const at = index.end
    // Zeros on their way to where this group ends would land on it.
    if (at + group.length > this.#active!.fileBytes) await this.#zeroing
    await writeFully(file, group.bytes.subarray(0, group.length), at)
    await datasync(file, segment)
    for (const batch of group.batches) {
      noteBatch(index, batch.firstSeq, at + batch.at, batch.length)
    }
    segment.bytes = index.end
    segment.lastSeq = group.entries.at(-1)!.seq
    segment.lastMs = Math.max(segment.lastMs, group.entries.at(-1)!.timeMs)
    this.#active!.fileBytes = Math.max(this.#active!.fileBytes, index.end)
    this.#zeroAhead()
  }

  /** Writes zeros behind the file while appends go on in front of them; an append that would reach them waits. */
  #zeroAhead(): void {
    const active = this.#active!
    const end = active.segment.bytes
    const step = Math.min(Math.max(minZeroBytes, end), maxZeroBytes)
    if (this.#zeroing || active.fileBytes - end > step / 2) return
    const length = Math.min(step, this.#options.segmentBytes - active.fileBytes)
    if (length <= 0) return
    const from = active.fileBytes
    this.#zeroing = active.file
      .write(zeros.subarray(0, length), from)
      .then((count) => {
        active.fileBytes = from + count
      })
      // Failing here harms nothing: the append that needs the room will say what is wrong.
      .catch(() => {})
      .finally(() => {
        this.#zeroing = undefined
      })
  }

  async #roll(base: number): Promise<void> {
    const { files, directory, segments, salt, now, segmentBytes } = this.#options
    await this.#zeroing
    const previous = this.#previous
    // A segment that holds no entry yet takes whatever comes.
    if (this.#active && base <= this.#active.segment.header.base) return
    const header = {
      base,
      salt,
      createdMs: now(),
      previousBase: previous?.header.base ?? 0,
      previousLast: previous?.lastSeq ?? 0,
    }
    const zeroBytes = Math.max(0, Math.min(minZeroBytes, segmentBytes) - segmentHeaderBytes)
    const { segment, file } = await createSegment(files, directory, header, zeroBytes)
    const finished = this.#active
    segments.push(segment)
    this.#previous = segment
    this.#active = { segment, file, fileBytes: segmentHeaderBytes + zeroBytes }
    if (finished) this.#seal(finished)
  }

  #seal(finished: { segment: Segment; file: OpenFile }): void {
    this.#sealing = this.#sealing
      .then(() => sealSegment(finished.file, finished.segment))
      .catch((error) => {
        // Without room for its index a segment is scanned when it is next needed.
        if (!isNoSpace(error)) this.#die(fatal(error, finished.segment))
      })
      .then(() => finished.file.close())
      .catch(() => {})
  }

  /**
   * A full disk: the file goes back to its last durable byte, everything queued fails (it may build upon what is
   * lost), and the next append begins a new segment above the burned seqs. Anything else is the end.
   */
  async #fail(error: unknown, group: Group | undefined): Promise<void> {
    if (!isNoSpace(error)) return this.#die(fatal(error, this.#active?.segment), group)
    try {
      await this.#abandonActive()
    } catch (second) {
      return this.#die(fatal(second, this.#active?.segment), group)
    }
    const failure = new StorageError('NoSpace', 'the disk is full; the append was undone', {
      cause: error,
    })
    this.#reject(failure, group)
    this.#checkSpace()
  }

  async #abandonActive(): Promise<void> {
    const active = this.#active
    if (!active) return
    await this.#zeroing
    await active.file.truncate(active.segment.bytes)
    await active.file.datasync()
    this.#active = undefined
    await active.file.close()
  }

  #die(error: StorageError, group?: Group): void {
    this.#refusal = error
    this.#reject(error, group)
    this.#options.onFatal(error)
  }

  #reject(error: StorageError, group: Group | undefined): void {
    const groups = group ? [group, ...this.#queue] : this.#queue
    this.#queue = []
    this.#queuedBytes = 0
    if (groups.length > 0) this.#options.onFailed(error, groups[0]!.first)
    for (const { settled } of groups) settled.reject(error)
  }

  /** Looks at the free space, one look at a time; nobody waits for it. */
  #checkSpace(): void {
    if (this.#checkingSpace) return
    this.#checkingSpace = true
    this.#groupsUntilCheck = groupsPerSpaceCheck
    const { files, directory, reserveBytes } = this.#options
    files
      .freeBytes(directory)
      .then((free) => {
        if (this.#refusal && this.#refusal.code !== 'NoSpace') return
        this.#refusal =
          free < reserveBytes
            ? new StorageError('NoSpace', `${free} bytes are free, ${reserveBytes} are kept back`)
            : undefined
      })
      .catch(() => {})
      .finally(() => {
        this.#checkingSpace = false
      })
  }

  /** An empty batch, a group of its own: it proves at the next opening that everything before it was durable. */
  async #writeCloseMark(): Promise<void> {
    const { segment, file } = this.#active!
    const bytes = Buffer.alloc(batchHeaderBytes)
    const parts = {
      firstSeq: this.#nextSeq,
      timeMs: this.#options.now(),
      groupBack: 0,
      keys: [],
      kinds: [],
      payloads: [],
    }
    writeBatch(bytes, 0, bytes.length, 0, parts, this.#options.salt)
    await writeFully(file, bytes, segment.index!.end)
    await file.datasync()
  }
}

async function datasync(file: OpenFile, segment: Segment): Promise<void> {
  try {
    await file.datasync()
  } catch (error) {
    // Whatever its code: pages that failed to reach the disk may be marked clean, a second fsync would lie.
    throw new StorageError('Fatal', `fsync of ${segment.path} failed`, { cause: error })
  }
}

function fatal(error: unknown, segment: Segment | undefined): StorageError {
  if (error instanceof StorageError && error.code === 'Fatal') return error
  return new StorageError('Fatal', `writing ${segment?.path ?? 'a new segment'} failed`, {
    cause: error,
  })
}
