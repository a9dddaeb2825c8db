import { dirname, join } from 'node:path'
import { type BlobRange, type Blobs, type Staged, StorageError } from './contracts.ts'
import { isMissing, isNoSpace } from './errors.ts'
import { type Files, nodeFiles, type OpenFile } from './files.ts'

export interface DiskBlobsOptions {
  files?: Files
  /** Stages are refused when fewer bytes are free on the disk (default 128 MiB). */
  reserveBytes?: number
}

/** Bytes handed to the disk and out of it at a time: large enough to hide the thread pool, small enough for many readers. */
const chunkBytes = 256 * 1024
const maxKeyLength = 512
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
      size = await pour(source, file, limits.maxBytes ?? Number.POSITIVE_INFINITY)
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
    const size = await this.#files.fileSize(path)
    if (size === undefined) return undefined
    const start = Math.min(Math.max(0, range.start), size)
    const end = Math.min(Math.max(start, range.end ?? size), size)
    return { size, body: this.#read(key, path, start, end) }
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
    assertPrefix(prefix)
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

  async *#read(key: string, path: string, start: number, end: number): AsyncIterable<Uint8Array> {
    if (start === end) return
    const file = await this.#open(key, path, 'r')
    try {
      for (let at = start; at < end; ) {
        const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, end - at))
        const count = await file.read(chunk, at)
        if (count < chunk.length) throw new StorageError('Corrupt', `the blob ${key} was cut short`)
        yield chunk
        at += count
      }
    } finally {
      await file.close()
    }
  }

  async #open(key: string, path: string, flags: 'r' | 'r+'): Promise<OpenFile> {
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
    assertKey(key)
    return join(this.#directory, key)
  }
}

/** Keys become file names: nothing that could leave the directory, hide in it or mean something to a file system. */
const safePart = /^[A-Za-z0-9_~:=-][A-Za-z0-9._~:=-]{0,199}$/

function assertKey(key: string): void {
  if (key.length > maxKeyLength || !key.split('/').every((part) => safePart.test(part))) {
    throw new StorageError('InvalidKey', `not a blob key: ${JSON.stringify(key)}`)
  }
}

/** The beginning of a key: the last part may be empty. */
function assertPrefix(prefix: string): void {
  assertKey(prefix === '' || prefix.endsWith('/') ? `${prefix}x` : prefix)
}

/** Writes everything, small pieces gathered into larger ones. */
async function pour(
  source: AsyncIterable<Uint8Array> | Uint8Array,
  file: OpenFile,
  maxBytes: number,
): Promise<number> {
  let written = 0
  let taken = 0
  let waiting: Uint8Array[] = []
  let waitingBytes = 0
  const flush = async () => {
    const bytes = waiting.length === 1 ? waiting[0]! : Buffer.concat(waiting, waitingBytes)
    waiting = []
    waitingBytes = 0
    const count = await file.write(bytes, written)
    if (count < bytes.length) throw new StorageError('NoSpace', 'the disk took only a part')
    written += count
  }
  for await (const chunk of source instanceof Uint8Array ? [source] : source) {
    taken += chunk.length
    if (taken > maxBytes) throw new StorageError('TooLarge', `more than ${maxBytes} bytes`)
    waiting.push(chunk)
    waitingBytes += chunk.length
    if (waitingBytes >= chunkBytes) await flush()
  }
  if (waitingBytes > 0) await flush()
  return written
}
