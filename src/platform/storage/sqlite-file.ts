import { mkdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import {
  type Migration,
  type SqliteFile,
  type SqliteReader,
  type SqlParams,
  StorageError,
} from './contracts.ts'
import { nodeFiles } from './files.ts'
import { migrate } from './migrations.ts'
import { beginSqliteFile } from './sqlite-beginning.ts'
import { type ConnectionOptions, SqliteConnection } from './sqlite-connection.ts'
import { foldWhenLarge, walBytes } from './wal-folder.ts'

export interface SqliteFileOptions extends Omit<ConnectionOptions, 'readOnly'> {
  migrations: readonly Migration[]
}

/** Opens (and creates) one SQLite file with the synchronous face. */
export function openSqliteFile(path: string, options: SqliteFileOptions): SqliteFile {
  const newNames = makeDirectoryOf(path)
  beginSqliteFile(path, options.migrations, options)
  const db = new SqliteConnection(path, { maxStatements: 64, ...options })
  try {
    migrate(db, options.migrations)
  } catch (error) {
    db.close()
    throw error
  }
  return new DiskSqliteFile(path, db, newNames)
}

class DiskSqliteFile implements SqliteFile {
  readonly #path: string
  readonly #db: SqliteConnection
  /** Directories whose names for this file may not be on the disk yet. */
  #newNames: string[]

  constructor(path: string, db: SqliteConnection, newNames: string[]) {
    this.#path = path
    this.#db = db
    this.#newNames = newNames
  }

  all<T>(sql: string, params?: SqlParams): T[] {
    return this.#db.all<T>(sql, params)
  }

  get<T>(sql: string, params?: SqlParams): T | undefined {
    return this.#db.get<T>(sql, params)
  }

  iterate<T>(sql: string, params?: SqlParams): IterableIterator<T> {
    return this.#db.iterate<T>(sql, params)
  }

  run(sql: string, params?: SqlParams): { changes: number } {
    return this.#db.run(sql, params)
  }

  exec(sql: string): void {
    this.#db.exec(sql)
  }

  transaction<T>(work: () => T): T {
    return this.#db.atOnce(work)
  }

  walBytes(): number {
    return walBytes(this.#path)
  }

  applyChanges(changes: Uint8Array): void {
    this.#db.atOnce(() => this.#db.applyChanges(changes))
  }

  /**
   * Commits are appended to the write-ahead file, and what was folded from there into the main file was synced before
   * the write-ahead file began anew (synchronous=NORMAL): fsyncing it is therefore all that a power cut asks for.
   */
  async sync(): Promise<void> {
    // Never the main file: closing a descriptor of it would drop the engine's locks (sqlite.org/howtocorrupt.html, 2.2).
    if (this.walBytes() > 0) await syncFile(`${this.#path}-wal`)
    for (const directory of this.#newNames) await nodeFiles.syncDirectory(directory)
    this.#newNames = []
    await foldWhenLarge(this.#path, this.#db)
  }

  close(): void {
    this.#db.close()
  }
}

async function syncFile(path: string): Promise<void> {
  const file = await nodeFiles.open(path, 'r+')
  try {
    await file.datasync()
  } catch (error) {
    throw new StorageError('Fatal', `fsync of ${path} failed`, { cause: error })
  } finally {
    await file.close()
  }
}

/** Makes the directory of a file and returns those directories whose fsync makes the file's name durable. */
function makeDirectoryOf(path: string): string[] {
  const directory = resolve(dirname(path))
  const made = mkdirSync(directory, { recursive: true })
  const directories = [directory]
  if (made === undefined) return directories
  for (let at = directory; at.length >= resolve(made).length; at = dirname(at)) {
    directories.push(dirname(at))
  }
  return directories
}

export interface ReaderOptions {
  /** The reader is cut off after this long, whatever it does (milliseconds). */
  deadlineMs: number
  cacheKb?: number
  /** See ConnectionOptions. */
  onCorrupt?: (error: StorageError) => unknown
}

/**
 * A second, read-only connection standing on one moment of the file, for exports. While it is open the write-ahead
 * file cannot be folded in beyond that moment, hence the deadline: afterwards every call throws StorageError Deadline.
 */
export function openSqliteReader(path: string, options: ReaderOptions): SqliteReader {
  const db = new SqliteConnection(path, {
    readOnly: true,
    maxStatements: 16,
    ...(options.cacheKb === undefined ? {} : { cacheKb: options.cacheKb }),
    ...(options.onCorrupt && { onCorrupt: options.onCorrupt }),
  })
  try {
    db.exec('BEGIN')
    // A deferred transaction takes its snapshot at the first read.
    db.get('SELECT count(*) FROM sqlite_schema')
  } catch (error) {
    db.close()
    throw error
  }
  let expired = false
  const timer = setTimeout(() => {
    expired = true
    db.close()
  }, options.deadlineMs)
  timer.unref()
  const check = () => {
    if (expired) throw new StorageError('Deadline', `the reader of ${path} ran out of time`)
  }
  return {
    all<T>(sql: string, params?: SqlParams) {
      check()
      return db.all<T>(sql, params)
    },
    get<T>(sql: string, params?: SqlParams) {
      check()
      return db.get<T>(sql, params)
    },
    *iterate<T>(sql: string, params?: SqlParams) {
      check()
      for (const row of db.iterate<T>(sql, params)) {
        yield row
        check()
      }
    },
    close() {
      clearTimeout(timer)
      db.close()
    },
  }
}
