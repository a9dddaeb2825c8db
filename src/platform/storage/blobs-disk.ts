import { dirname, join } from 'node:path'
import { Allowance } from './allowance.ts'
import { assertBlobKey, assertBlobPrefix } from './blob-keys.ts'
import { type BlobRange, type Blobs, type Staged, StorageError } from './contracts.ts'
import { isMissing, isNoSpace } from './errors.ts'
import { type Files, nodeFiles, type OpenFile } from './files.ts'

export interface DiskBlobsOptions {
  files?: Files
  /** Stages are refused when fewer bytes are free on the disk (default 128 MiB). */
  reserveBytes?: number
}

/** Handed to the disk at a time: half of what most pictures have, so that one half is written while the other comes. */
const writeBytes = 512 * 1024
/** Taken from the disk at a time: most pictures in one round trip of the thread pool. */
const readBytes = 1024 * 1024
/** The same for those who come when a lot is in memory already. */
const scarceBytes = 64 * 1024
/** In memory for all uploads together, and for all reads. */
const heldBytesMax = 64 * 1024 * 1024
/** Pieces that wait at a time: very small ones must not weigh more than what they hold. */
const piecesMax = 512
const stagingName = '.staging'

/** Opens (and creates) a directory of blobs; what an earlier process staged and never committed is removed. */
export async function openDiskBlobs(
  directory: string,
  options: DiskBlobsOptions = {},
): Promise<Blobs> {
  const { files = nodeFiles, reserveBytes = 128 * 1024 * 1024 } = options
  const staging = join(directory, stagingName)
  await files.makeDirectory(staging)
  for (const name of await files.list(staging)) await files.remove(join(staging, name))
  return new DiskBlobs(directory, files, reserveBytes)
}

class DiskBlobs implements Blobs {
  readonly #directory: string
  readonly #files: Files
  readonly #reserveBytes: number
  readonly #madeDirectories = new Set<string>()
  readonly #coming = new Allowance(heldBytesMax)
  readonly #going = new Allowance(heldBytesMax)
  #staged = 0

  constructor(directory: string, files: Files, reserveBytes: number) {
    this.#directory = directory
    this.#files = files
    this.#reserveBytes = reserveBytes
  }

  async stage(
    source: AsyncIterable<Uint8Array> | Uint8Array,
    limits: { maxBytes?: number } = {},
  ): Promise<Staged> {
    if ((await this.#files.freeBytes(this.#directory)) < this.#reserveBytes) {
      throw new StorageError('NoSpace', 'the disk is below its free-space reserve')
    }
    const path = join(this.#directory, stagingName, `${++this.#staged}`)
    const file = await this.#files.open(path, 'w+')
    let size: number
    try {
      size = await pour(source, file, limits.maxBytes ?? Number.POSITIVE_INFINITY, this.#coming)
      await file.close()
    } catch (error) {
      await file.close().catch(() => {})
      await this.#files.remove(path).catch(() => {})
      if (isNoSpace(error)) throw new StorageError('NoSpace', 'the disk is full', { cause: error })
      throw error
    }
    return this.#stagedAt(path, size)
  }

  #stagedAt(path: string, size: number): Staged {
    let settled = false
    return {
      size,
      commit: async (key) => {
        const target = this.#pathOf(key)
        if (settled) throw new StorageError('InvalidArgument', 'this blob was already settled')
        await this.#rename(path, target)
        settled = true
      },
      discard: async () => {
        if (settled) return
        settled = true
        await this.#files.remove(path)
      },
    }
  }

  async sync(keys: readonly string[]): Promise<void> {
    const directories = new Set<string>()
    for (const key of new Set(keys)) {
      const path = this.#pathOf(key)
      await this.#syncFile(key, path)
      directories.add(dirname(path))
    }
    for (const directory of directories) {
      await this.#files.syncDirectory(directory).catch((error) => {
        throw new StorageError('Fatal', `fsync of ${directory} failed`, { cause: error })
      })
    }
  }

  async get(key: string, range: BlobRange = { start: 0 }) {
    const path = this.#pathOf(key)
    const file = await this.#openToRead(path)
    if (!file) return undefined
    const size = await file.size().catch(async (error) => {
      await file.close()
      throw error
    })
    const start = Math.min(Math.max(0, range.start), size)
    const end = Math.min(Math.max(start, range.end ?? size), size)
    return { size, body: new FileBody(key, file, start, end, this.#going) }
  }

  async #openToRead(path: string): Promise<OpenFile | undefined> {
    try {
      return await this.#files.open(path, 'r')
    } catch (error) {
      if (isMissing(error)) return undefined
      // A folder of other blobs is none itself.
      if ((await this.#files.fileSize(path)) === undefined) return undefined
      throw error
    }
  }

  async has(key: string): Promise<boolean> {
    return (await this.#files.fileSize(this.#pathOf(key))) !== undefined
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      const path = this.#pathOf(key)
      try {
        await this.#files.remove(path)
      } catch (error) {
        // Not there, or a folder of other blobs.
        if ((await this.#files.fileSize(path)) !== undefined) throw error
      }
    }
  }

  async *list(prefix: string): AsyncIterable<string> {
    assertBlobPrefix(prefix)
    const slash = prefix.lastIndexOf('/')
    yield* this.#listUnder(slash < 0 ? '' : prefix.slice(0, slash + 1), prefix)
  }

  async *#listUnder(folder: string, prefix: string): AsyncIterable<string> {
    for (const name of await this.#files.list(join(this.#directory, folder))) {
      const key = folder + name
      if (!key.startsWith(prefix) || name.startsWith('.')) continue
      if (name.endsWith('/')) yield* this.#listUnder(key, prefix)
      else yield key
    }
  }

  async #syncFile(key: string, path: string): Promise<void> {
    const file = await this.#open(key, path, 'r+')
    try {
      await file.datasync()
    } catch (error) {
      throw new StorageError('Fatal', `the blob ${key} could not be synced`, { cause: error })
    } finally {
      await file.close()
    }
  }

  async #open(key: string, path: string, flags: 'r+'): Promise<OpenFile> {
    try {
      return await this.#files.open(path, flags)
    } catch (error) {
      if (isMissing(error)) throw new StorageError('NotFound', `there is no blob ${key}`)
      throw error
    }
  }

  async #rename(from: string, to: string): Promise<void> {
    try {
      await this.#makeDirectory(dirname(to))
      await this.#files.rename(from, to).catch(async (error) => {
        if (!isMissing(error)) throw error
        // Somebody removed a folder we believed to be there.
        this.#madeDirectories.clear()
        await this.#makeDirectory(dirname(to))
        await this.#files.rename(from, to)
      })
    } catch (error) {
      if (isNoSpace(error)) throw new StorageError('NoSpace', 'the disk is full', { cause: error })
      throw error
    }
  }

  async #makeDirectory(path: string): Promise<void> {
    if (this.#madeDirectories.has(path)) return
    await this.#files.makeDirectory(path)
    if (this.#madeDirectories.size > 10_000) this.#madeDirectories.clear()
    this.#madeDirectories.add(path)
  }

  #pathOf(key: string): string {
    assertBlobKey(key)
    return join(this.#directory, key)
  }
}

/** Buffers to read into that came back from whoever had done with them. */
const spare: ArrayBuffer[] = []
const spareMax = 8

/** Memory to read into; the last who uses it may give it back (`Symbol.dispose`). */
function takeBuffer(bytes: number): Buffer {
  if (bytes <= readBytes / 4) return Buffer.allocUnsafe(bytes)
  const whole = spare.pop() ?? new ArrayBuffer(readBytes)
  return Object.assign(Buffer.from(whole, 0, bytes), {
    [Symbol.dispose](this: Partial<Disposable>) {
      delete this[Symbol.dispose]
      if (spare.length < spareMax) spare.push(whole)
    },
  })
}

/** The bytes of an open file; closes it at its end, or when it is given up, begun or not. */
class FileBody implements AsyncIterableIterator<Uint8Array> {
  readonly #key: string
  readonly #file: OpenFile
  readonly #end: number
  readonly #allowance: Allowance
  #at: number
  #held = 0
  #isClosed = false

  constructor(key: string, file: OpenFile, start: number, end: number, allowance: Allowance) {
    this.#key = key
    this.#file = file
    this.#at = start
    this.#end = end
    this.#allowance = allowance
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    // Whoever asks for more has done with what there was.
    this.#give()
    if (this.#at >= this.#end || this.#isClosed) return this.return()
    const wanted = Math.min(readBytes, this.#end - this.#at)
    this.#held = this.#allowance.take(wanted) ? wanted : Math.min(scarceBytes, wanted)
    if (this.#held < wanted) this.#allowance.force(this.#held)
    try {
      const chunk = takeBuffer(this.#held)
      const count = await this.#file.read(chunk, this.#at)
      if (count < chunk.length) {
        throw new StorageError('Corrupt', `the blob ${this.#key} was cut short`)
      }
      this.#at += count
      return { done: false, value: chunk }
    } catch (error) {
      await this.return()
      throw error
    }
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    this.#give()
    if (!this.#isClosed) {
      this.#isClosed = true
      await this.#file.close()
    }
    return { done: true, value: undefined }
  }

  #give(): void {
    this.#allowance.give(this.#held)
    this.#held = 0
  }
}

/**
 * Writes everything, pieces gathered into large ones; one is on its way to the disk while the next comes. When much is
 * in memory already, what comes goes to the disk in small ones.
 */
async function pour(
  source: AsyncIterable<Uint8Array> | Uint8Array,
  file: OpenFile,
  maxBytes: number,
  allowance: Allowance,
): Promise<number> {
  let written = 0
  let taken = 0
  let pieces: (Uint8Array & Partial<Disposable>)[] = []
  let waiting = 0
  let flushing: Promise<void> | undefined
  const flush = () => {
    const [bytes, at, these] = [waiting, written, pieces]
    written += bytes
    pieces = []
    waiting = 0
    flushing = file.writeAll(these, at).then((count) => {
      allowance.give(bytes)
      for (const piece of these) piece[Symbol.dispose]?.()
      if (count < bytes) throw new StorageError('NoSpace', 'the disk took only a part')
    })
    // Whoever waits for it is told; nobody may be waiting yet.
    flushing.catch(() => {})
  }
  try {
    for await (const chunk of source instanceof Uint8Array ? [source] : source) {
      taken += chunk.length
      if (taken > maxBytes) throw new StorageError('TooLarge', `more than ${maxBytes} bytes`)
      pieces.push(chunk)
      waiting += chunk.length
      const isRoom = allowance.take(chunk.length)
      if (!isRoom) allowance.force(chunk.length)
      if (waiting < (isRoom ? writeBytes : scarceBytes) && pieces.length < piecesMax) continue
      await flushing
      flush()
    }
    await flushing
    if (waiting > 0) flush()
    await flushing
  } catch (error) {
    await flushing?.catch(() => {})
    allowance.give(waiting)
    throw error
  }
  return written
}
