import { randomInt } from 'node:crypto'
import { join } from 'node:path'
import { StorageError, type Stream, type StreamOptions, type Streams } from './contracts.ts'
import { type Files, nodeFiles } from './files.ts'
import { OpenFiles } from './open-files.ts'
import { firstSeqOf } from './segment-upkeep.ts'
import { LocalStream } from './stream.ts'
import { recoverSegments } from './stream-recovery.ts'

export interface LocalStreamsOptions {
  /** Milliseconds since 1970, for the entries' times (default the machine's clock). */
  now?: () => number
  files?: Files
  /**
   * Called when a write or an fsync failed in a way after which nothing can be trusted; the process has to end.
   * The default throws out of everything, which ends it.
   */
  onFatal?: (error: StorageError) => void
  /** Appends are refused while fewer bytes are free on the disk (default 128 MiB). */
  reserveBytes?: number
  /** Memory for the newest batches of each stream (default 8 MiB). */
  tailBytes?: number
  /** Memory for batches read back of each stream (default 4 MiB). */
  cacheBytes?: number
}

/** The last one is read when a stream is opened: 30 ms when it is nearly full. */
const defaultSegmentBytes = 32 * 1024 * 1024
const maxOpenSegments = 32

/** Opens a directory of streams for this process alone. Errors: Locked. */
export async function openLocalStreams(
  directory: string,
  options: LocalStreamsOptions = {},
): Promise<Streams> {
  const { files = nodeFiles } = options
  await files.makeDirectory(directory)
  const unlock = await files.lock(join(directory, 'lock'))
  return new LocalStreams(directory, files, options, unlock)
}

class LocalStreams implements Streams {
  readonly #directory: string
  readonly #files: Files
  readonly #options: LocalStreamsOptions
  readonly #unlock: () => void
  readonly #open = new Map<string, Promise<Stream>>()
  #closed = false

  constructor(directory: string, files: Files, options: LocalStreamsOptions, unlock: () => void) {
    this.#directory = directory
    this.#files = files
    this.#options = options
    this.#unlock = unlock
  }

  async open(name: string, options: StreamOptions = {}): Promise<Stream> {
    if (!/^[a-z0-9-]{1,64}$/.test(name)) {
      throw new StorageError('InvalidKey', `not a stream name: ${JSON.stringify(name)}`)
    }
    assertOptions(options)
    if (this.#closed) throw new StorageError('Closed', 'the streams are closed')
    if (this.#open.has(name)) throw new StorageError('Locked', `the stream ${name} is open`)
    const stream = this.#openStream(name, options)
    this.#open.set(name, stream)
    stream.catch(() => this.#open.delete(name))
    return stream
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const stream of [...this.#open.values()]) {
      await stream.then((opened) => opened.close()).catch(() => {})
    }
    this.#unlock()
  }

  async #openStream(name: string, options: StreamOptions): Promise<Stream> {
    const { now = Date.now, onFatal = endProcess } = this.#options
    const directory = join(this.#directory, name)
    const recovered = await recoverSegments(this.#files, directory)
    const { segments, active } = recovered
    const nextSeq = Math.max(recovered.nextSeq, options.floor ?? 1)
    const durable = segments.at(-1)?.lastSeq || nextSeq - 1
    const headers = new OpenFiles(this.#files, 1)
    const firstSeq = await firstSeqOf(headers, segments, durable + 1)
    await headers.closeAll()
    return new LocalStream({
      name,
      files: this.#files,
      directory,
      now,
      segmentBytes: options.segmentBytes ?? defaultSegmentBytes,
      reserveBytes: this.#options.reserveBytes ?? 128 * 1024 * 1024,
      salt: active?.segment.header.salt ?? randomInt(2 ** 32),
      segments,
      active,
      nextSeq,
      firstSeq,
      durable,
      manualRelease: options.manualRelease ?? false,
      tailBytes: this.#options.tailBytes ?? 8 * 1024 * 1024,
      cacheBytes: this.#options.cacheBytes ?? 4 * 1024 * 1024,
      maxOpenSegments,
      onFailed: options.onFailed,
      onFatal,
      onClose: () => this.#open.delete(name),
    })
  }
}

/** Offsets inside a segment take four bytes in its index, seqs are numbers. */
function assertOptions({ segmentBytes = defaultSegmentBytes, floor = 1 }: StreamOptions): void {
  const sound = segmentBytes >= 1024 && segmentBytes <= 2 ** 30
  if (!sound || !Number.isSafeInteger(floor) || floor < 1) {
    throw new StorageError('InvalidArgument', `segments of ${segmentBytes} bytes, floor ${floor}`)
  }
}

function endProcess(error: StorageError): void {
  queueMicrotask(() => {
    throw error
  })
}
