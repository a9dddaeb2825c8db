import { closeSync, fsync, mkdirSync, open, statSync } from 'node:fs'
import { dirname } from 'node:path'
import {
  type Migration,
  type SqliteFile,
  type SqliteReader,
  type SqlParams,
  StorageError,
} from './contracts.ts'
import { migrate } from './migrations.ts'
import { type ConnectionOptions, SqliteConnection } from './sqlite-connection.ts'

export interface SqliteFileOptions extends Omit<ConnectionOptions, 'readOnly'> {
  migrations: readonly Migration[]
}

/** Opens (and creates) one SQLite file with the synchronous face. */
export function openSqliteFile(path: string, options: SqliteFileOptions): SqliteFile {
  mkdirSync(dirname(path), { recursive: true })
  const db = new SqliteConnection(path, { maxStatements: 64, ...options })
  try {
    migrate(db, options.migrations)
  } catch (error) {
    db.close()
    throw error
  }
  return new DiskSqliteFile(path, db)
}

class DiskSqliteFile implements SqliteFile {
  readonly #path: string
  readonly #db: SqliteConnection
  #directorySynced = false

  constructor(path: string, db: SqliteConnection) {
    this.#path = path
    this.#db = db
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
    return statSync(`${this.#path}-wal`, { throwIfNoEntry: false })?.size ?? 0
  }

  /**
   * Commits are appended to the write-ahead file, and what the engine has moved into the main file it has synced
   * itself (synchronous=NORMAL): fsyncing the write-ahead file is therefore all that a power cut asks for.
   */
  async sync(): Promise<void> {
    if (this.walBytes() > 0) await fsyncPath(`${this.#path}-wal`)
    if (!this.#directorySynced) {
      await fsyncPath(this.#path)
      await fsyncPath(dirname(this.#path))
      this.#directorySynced = true
    }
  }

  close(): void {
    this.#db.close()
  }
}

function fsyncPath(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    open(path, 'r', (openError, fd) => {
      if (openError) return reject(openError)
      fsync(fd, (error) => {
        closeSync(fd)
        if (error) reject(new StorageError('Fatal', `fsync of ${path} failed`, { cause: error }))
        else resolve()
      })
    })
  })
}

export interface ReaderOptions {
  /** The reader is cut off after this long, whatever it does (milliseconds). */
  deadlineMs: number
  cacheKb?: number
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
