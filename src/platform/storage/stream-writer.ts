import { AppendGroup, type PreparedBatch, prepareBatch, prepareCopies } from './append-group.ts'
import { type Appended, type Entry, type NewEntry, StorageError } from './contracts.ts'
import { isNoSpace } from './errors.ts'
import type { Files, OpenFile } from './files.ts'
import { createSegment, noteBatch, type Segment, sealSegment, writeFully } from './segment-file.ts'
import { batchHeaderBytes, segmentHeaderBytes, writeBatch } from './segment-format.ts'

/** Encoded bytes that may wait for the disk before appends are refused. */
const maxQueuedBytes = 128 * 1024 * 1024
/** Rooms larger than this are not kept for the next group. */
const maxSpareBytes = 1024 * 1024
/**
 * Zeros written ahead of the entries: an append into them changes neither size nor extents, which saves a third of its
 * fsync. The step is small because the fsync that follows carries the zeros as well (4 MiB steps: p99 10 ms; 512 KiB: 2).
 */
const zeros = Buffer.alloc(512 * 1024)
/** Free space is looked at whenever so much was written; a group counts for its bytes and some more for others' use. */
const bytesPerSpaceCheck = 16 * 1024 * 1024
const bytesPerGroup = 256 * 1024

export interface WriterOptions {
  files: Files
  directory: string
  now: () => number
  segmentBytes: number
  reserveBytes: number
  /** Seeds the checksums of this stream. */
  salt: number
  segments: Segment[]
  active: ActiveSegment | undefined
  nextSeq: number
  /** Called after the fsync of each group, in order. */
  onDurable: (entries: readonly Entry[]) => void
  onFailed: (error: StorageError, firstSeq: number) => void
  onFatal: (error: StorageError) => void
}

/** The segment being written to. */
export interface ActiveSegment {
  segment: Segment
  file: OpenFile
  /** Where the file ends, with the zeros written ahead. */
  fileBytes: number
}

/** The one writer of a stream: assigns seqs, gathers appends into groups, writes them into segments. */
export class StreamWriter {
  readonly #options: WriterOptions
  #active: ActiveSegment | undefined
  #nextSeq: number
  #queue: AppendGroup[] = []
  #queuedBytes = 0
  #running: Promise<void> | undefined
  #zeroing: Promise<void> | undefined
  #sealing: Promise<void> = Promise.resolve()
  #refusal: StorageError | undefined
  #checkingSpace = false
  /** A failed append could not be undone yet: nothing is taken before it is. */
  #undoing = false
  #bytesUntilCheck = 0
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
    this.#requireRoom()
    const first = this.#nextSeq
    const group = this.#take(this.#prepare(entries, first))
    return { first, last: this.#nextSeq - 1, durable: group.durable }
  }

  /** Takes entries with the seqs they have. Groups succeed in order: the last one's fsync is that of all. */
  async copy(entries: readonly Entry[]): Promise<void> {
    this.#requireRoom()
    const groups = prepareCopies(entries, this.#nextSeq).map((batch) => this.#take(batch))
    await Promise.all(groups.map(({ durable }) => durable))
  }

  #requireRoom(): void {
    if (this.#refusal) {
      if (this.#refusal.code === 'NoSpace') this.#checkSpace()
      throw this.#refusal
    }
    if (this.#making) throw new StorageError('InvalidArgument', 'append called from within make')
    if (this.#queuedBytes > maxQueuedBytes) {
      throw new StorageError('Overloaded', 'too many bytes wait for the disk')
    }
  }

  #take(batch: PreparedBatch): AppendGroup {
    const group = this.#groupFor(batch.length, batch.entries[0]!.seq)
    group.add(batch, this.#options.salt)
    this.#queuedBytes += batch.length
    this.#nextSeq = batch.entries.at(-1)!.seq + 1
    this.#kick()
    return group
  }

  /** Resolves when nothing queued before this call is undecided any more. */
  async settled(): Promise<void> {
    const last = this.#queue.at(-1)
    if (last) await last.durable.catch(() => {})
    else await this.#running
  }

  /** Goes on in a new segment; resolves when it is there. */
  async roll(): Promise<void> {
    this.#rollAsked = true
    this.#running ??= this.#run()
    await this.#running
  }

  /** Ends the writing for good, with everything queued: nothing written after a failure can be trusted. */
  die(error: StorageError, group?: AppendGroup): void {
    const told = this.#refusal?.code === 'Fatal'
    this.#refusal = error
    this.#reject(error, group)
    if (!told) this.#options.onFatal(error)
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
    await this.#active?.file.close().catch(() => {})
  }

  #prepare(entries: readonly NewEntry[], first: number): PreparedBatch {
    this.#making = true
    try {
      return prepareBatch(entries, first, this.#options.now())
    } finally {
      this.#making = false
    }
  }

  /** The last queued group, or a new one when it takes no more. */
  #groupFor(length: number, firstSeq: number): AppendGroup {
    const last = this.#queue.at(-1)
    if (last?.takes(length)) return last
    const room = this.#spare ?? Buffer.allocUnsafe(16 * 1024)
    this.#spare = undefined
    const group = new AppendGroup(firstSeq, room)
    this.#queue.push(group)
    return group
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
          await this.#roll(group?.firstSeq ?? this.#nextSeq)
        }
        if (group) await this.#write(group)
      } catch (error) {
        await this.#fail(error, group)
        continue
      }
      if (group) this.#finish(group)
    }
    this.#running = undefined
  }

  #finish(group: AppendGroup): void {
    this.#queuedBytes -= group.length
    this.#bytesUntilCheck -= group.length + bytesPerGroup
    if (this.#bytesUntilCheck < 0) this.#checkSpace()
    if (group.room.length <= maxSpareBytes) this.#spare = group.room
    this.#options.onDurable(group.entries)
    group.succeed()
  }

  async #write(group: AppendGroup): Promise<void> {
    const end = this.#active?.segment.index?.end ?? 0
    if (!this.#active) await this.#roll(group.firstSeq)
    else if (end + group.length > this.#options.segmentBytes && end > segmentHeaderBytes) {
      await this.#roll(group.firstSeq)
    }
    const { segment, file } = this.#active!
    const index = segment.index!
    const at = index.end
    // Zeros on their way to where this group ends would land on it.
    if (at + group.length > this.#active!.fileBytes) await this.#zeroing
    await writeFully(file, group.bytes, at)
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
    const ahead = active.fileBytes - active.segment.bytes
    if (this.#zeroing || ahead > zeros.length / 2) return
    const length = Math.min(zeros.length, this.#options.segmentBytes - active.fileBytes)
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
    const zeroBytes = Math.max(0, Math.min(zeros.length, segmentBytes) - segmentHeaderBytes)
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
        if (!isNoSpace(error)) this.die(fatal(error, finished.segment))
      })
      .then(() => finished.file.close())
      .catch(() => {})
  }

  /**
   * A full disk: the file goes back to its last durable byte, everything queued fails (it may build upon what is
   * lost), and the next append begins a new segment above the burned seqs. Anything else is the end.
   */
  async #fail(error: unknown, group: AppendGroup | undefined): Promise<void> {
    if (!isNoSpace(error)) return this.die(fatal(error, this.#active?.segment), group)
    try {
      await this.#abandonActive()
    } catch (second) {
      if (!isNoSpace(second)) return this.die(fatal(second, this.#active?.segment), group)
      this.#undoing = true
    }
    const failure = new StorageError('NoSpace', 'the disk took no more; the append was undone', {
      cause: error,
    })
    if (this.#undoing) this.#refusal = failure
    this.#reject(failure, group)
    this.#checkSpace()
  }

  /** Tries again what a read-only disk did not let be undone. Rejects while it does not. */
  async #undo(): Promise<void> {
    if (!this.#undoing) return
    try {
      await this.#abandonActive()
      this.#undoing = false
    } catch (error) {
      if (!isNoSpace(error)) this.die(fatal(error, this.#active?.segment))
      throw error
    }
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

  #reject(error: StorageError, group: AppendGroup | undefined): void {
    const groups = group ? [group, ...this.#queue] : this.#queue
    this.#queue = []
    this.#queuedBytes = 0
    if (groups.length > 0) this.#options.onFailed(error, groups[0]!.firstSeq)
    for (const failed of groups) failed.fail(error)
  }

  /** Looks at the free space, one look at a time; nobody waits for it. */
  #checkSpace(): void {
    if (this.#checkingSpace) return
    this.#checkingSpace = true
    this.#bytesUntilCheck = bytesPerSpaceCheck
    const { files, directory, reserveBytes } = this.#options
    this.#undo()
      .then(() => files.freeBytes(directory))
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
      entries: [],
      salt: this.#options.salt,
    }
    writeBatch(bytes, 0, bytes.length, 0, parts)
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
