import fs from 'node:fs'
import { dirname, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { StorageError } from './contracts.ts'
import { isMissing } from './errors.ts'
import { sqlError } from './sqlite-errors.ts'

/** An open file. Positions and lengths in bytes; errors are the machine's (`code` ENOSPC, EIO …). */
export interface OpenFile {
  /** Bytes read; fewer than asked only at the end of the file. */
  read(into: Uint8Array, position: number): Promise<number>
  /** Bytes written; fewer than given when the disk fills up in the middle. */
  write(bytes: Uint8Array, position: number): Promise<number>
  /** The same with pieces that follow each other, without copying them together. */
  writeAll(pieces: readonly Uint8Array[], position: number): Promise<number>
  /** Data and size are on the disk. */
  datasync(): Promise<void>
  truncate(length: number): Promise<void>
  size(): Promise<number>
  close(): Promise<void>
}

/** The file-system calls that Streams and Blobs stand on; the seam where faults are injected and power cuts played. */
export interface Files {
  /** `r` reads, `r+` reads and writes, `w+` creates or empties. */
  open(path: string, flags: 'r' | 'r+' | 'w+'): Promise<OpenFile>
  /** Creates it with its parents; the new names are on the disk when it resolves. */
  makeDirectory(path: string): Promise<void>
  /** Names in a directory, directories marked by a trailing slash; empty when there is none. */
  list(path: string): Promise<string[]>
  rename(from: string, to: string): Promise<void>
  remove(path: string): Promise<void>
  /** Bytes of a file; undefined when there is none, or something else. */
  fileSize(path: string): Promise<number | undefined>
  /** The names in a directory are on the disk. */
  syncDirectory(path: string): Promise<void>
  freeBytes(path: string): Promise<number>
  /** Claims a path for this owner until released, also against other processes. Errors: StorageError Locked. */
  lock(path: string): Promise<() => void>
}

/**
 * The machine's own files. Callbacks, not promises: half the cost per call on the thread pool's round trip. What only
 * touches names, and takes less time than such a round trip, is done at once: creating, closing, renaming, statfs.
 */
export const nodeFiles: Files = {
  async open(path, flags) {
    // Creating waits for no disk; opening what exists may have to read where it lies.
    if (flags === 'w+') return openFile(fs.openSync(path, flags))
    const fd = await call<number>((done) => fs.open(path, flags, done))
    if (fs.fstatSync(fd).isFile()) return openFile(fd)
    fs.closeSync(fd)
    throw Object.assign(new Error(`EISDIR: not a file, ${path}`), { code: 'EISDIR' })
  },
  async makeDirectory(path) {
    const directory = resolve(path)
    const made = await call<string | undefined>((done) =>
      fs.mkdir(directory, { recursive: true }, done),
    )
    if (made === undefined) return
    for (let at = directory; at.length >= resolve(made).length; at = dirname(at)) {
      await nodeFiles.syncDirectory(dirname(at))
    }
  },
  async list(path) {
    try {
      const entries = await call<fs.Dirent[]>((done) =>
        fs.readdir(path, { withFileTypes: true }, done),
      )
      return entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name)).sort()
    } catch (error) {
      if (isMissing(error)) return []
      throw error
    }
  },
  async rename(from, to) {
    fs.renameSync(from, to)
  },
  remove: (path) => call((done) => fs.unlink(path, done)),
  async fileSize(path) {
    try {
      const stats = await call<fs.Stats>((done) => fs.stat(path, done))
      return stats.isFile() ? stats.size : undefined
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  },
  async syncDirectory(path) {
    // Windows neither lets a directory be opened this way nor needs it.
    if (process.platform === 'win32') return
    const fd = await call<number>((done) => fs.open(path, 'r', done))
    try {
      await call((done) => fs.fsync(fd, done))
    } finally {
      await call((done) => fs.close(fd, done))
    }
  },
  async freeBytes(path) {
    const { bavail, bsize } = fs.statfsSync(path)
    return bavail * bsize
  },
  async lock(path) {
    fs.mkdirSync(dirname(path), { recursive: true })
    // Node has no file locks, SQLite does: the system drops them when the process dies, however it dies.
    const db = new DatabaseSync(path, { timeout: 0 })
    try {
      db.exec('PRAGMA journal_mode = OFF; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    } catch (error) {
      db.close()
      const named = sqlError(error)
      if (!(named instanceof StorageError) || named.code !== 'Locked') throw named
      throw new StorageError('Locked', `${path} is held by another process`, { cause: error })
    }
    return () => db.close()
  },
}

/**
 * A write that small is a copy into memory of the system: cheaper here and now than over the thread pool and back. What
 * may take long is the fsync, which never runs on the loop.
 */
const WRITE_NOW_BYTES = 64 * 1024

function openFile(fd: number): OpenFile {
  return {
    async read(into, position) {
      let done = 0
      while (done < into.length) {
        const count = await call<number>((settle) =>
          fs.read(fd, into, done, into.length - done, position + done, settle),
        )
        if (count === 0) break
        done += count
      }
      return done
    },
    async write(bytes, position) {
      if (bytes.length <= WRITE_NOW_BYTES) return fs.writeSync(fd, bytes, 0, bytes.length, position)
      return call((done) => fs.write(fd, bytes, 0, bytes.length, position, done))
    },
    writeAll: (pieces, position) => call((done) => fs.writev(fd, pieces, position, done)),
    datasync: () => call((done) => fs.fdatasync(fd, done)),
    truncate: (length) => call((done) => fs.ftruncate(fd, length, done)),
    async size() {
      return fs.fstatSync(fd).size
    },
    async close() {
      fs.closeSync(fd)
    },
  }
}

type Done<T> = (error: NodeJS.ErrnoException | null, value?: T) => void

function call<T>(start: (done: Done<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => (error ? reject(error) : resolve(value as T)))
  })
}
