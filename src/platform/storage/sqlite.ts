import { AsyncLocalStorage } from 'node:async_hooks'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Migration, type Sql, type SqlParams, StorageError } from './contracts.ts'
import { migrate } from './migrations.ts'
import { type ConnectionOptions, SqliteConnection } from './sqlite-connection.ts'
import { foldWhenLarge } from './wal-folder.ts'

export interface SqliteOptions extends ConnectionOptions {
  migrations: readonly Migration[]
  /**
   * Told of every commit that changed rows of tables with a primary key, before anything else runs, as bytes that
   * `applyChanges` of a SqliteFile takes. A commit costs some 50 µs more with it.
   */
  onChanges?: (changes: Uint8Array) => void
}

const writesPerLook = 8

/** Opens (and creates) one SQLite database behind the asynchronous contract; `:memory:` for a passing one. */
export async function openSqlite(path: string, options: SqliteOptions): Promise<Sql> {
  if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true })
  const db = new SqliteConnection(path, options)
  try {
    migrate(db, options.migrations)
    if (options.onChanges) db.watch()
  } catch (error) {
    db.close()
    throw error
  }
  return new SqliteSql(db, path === ':memory:' ? undefined : path, options.onChanges)
}

/** An open transaction: who holds it may speak to the database, everybody else waits. */
interface Turn {
  open: boolean
}

class SqliteSql implements Sql {
  readonly #db: SqliteConnection
  /** Which transaction the running code belongs to, so that code called inside `work` needs no handle passed down. */
  readonly #inside = new AsyncLocalStorage<Turn>()
  #turn: Turn | undefined
  /** What came while a transaction was open, in order; empty whenever none is. */
  readonly #waiting: (() => void)[] = []

  readonly #path: string | undefined
  readonly #onChanges: ((changes: Uint8Array) => void) | undefined
  #writes = 0
  #closing = false
  #folding: Promise<void> | undefined

  /** Without a `path` there is no write-ahead file to look after. */
  constructor(
    db: SqliteConnection,
    path: string | undefined,
    onChanges: ((changes: Uint8Array) => void) | undefined,
  ) {
    this.#db = db
    this.#path = path
    this.#onChanges = onChanges
  }

  async all<T>(sql: string, params?: SqlParams): Promise<T[]> {
    return this.#speak((db) => db.all<T>(sql, params))
  }

  async get<T>(sql: string, params?: SqlParams): Promise<T | undefined> {
    return this.#speak((db) => db.get<T>(sql, params))
  }

  async run(sql: string, params?: SqlParams): Promise<{ changes: number }> {
    return this.#speak((db) => this.#wrote(db.run(sql, params)))
  }

  async runMany(sql: string, rows: readonly SqlParams[]): Promise<{ changes: number }> {
    return this.#speak((db) => this.#wrote(db.atOnce(() => runRows(db, sql, rows))))
  }

  async transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    const outer = this.#inside.getStore()
    if (outer?.open) return this.#join(outer, work)
    this.#assertOpen()
    if (!this.#turn) return this.#begin(work)
    const inCallersScope = AsyncLocalStorage.snapshot()
    return new Promise((resolve) => {
      this.#waiting.push(() => resolve(inCallersScope(() => this.#begin(work))))
    })
  }

  async close(): Promise<void> {
    this.#closing = true
    while (this.#turn) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    await this.#folding
    this.#db.close()
  }

  async #begin<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    const turn: Turn = { open: true }
    this.#turn = turn
    try {
      this.#db.begin()
      const result = await this.#inside.run(turn, () => work(this.#faceOf(turn)))
      this.#db.commit()
      return this.#wrote(result)
    } catch (error) {
      this.#db.rollback()
      throw error
    } finally {
      turn.open = false
      this.#turn = undefined
      while (!this.#turn && this.#waiting.length > 0) this.#waiting.shift()!()
    }
  }

  async #join<T>(turn: Turn, work: (sql: Sql) => Promise<T>): Promise<T> {
    try {
      return await work(this.#faceOf(turn))
    } catch (error) {
      if (turn.open) this.#db.doom(error)
      throw error
    }
  }

  /** Tells of what was committed, and looks at the size of the write-ahead file now and then. */
  #wrote<T>(result: T): T {
    if (this.#onChanges && !this.#db.inTransaction) {
      const changes = this.#db.takeChanges()
      if (changes) this.#onChanges(changes)
    }
    if (this.#path === undefined || this.#folding || ++this.#writes % writesPerLook !== 0) {
      return result
    }
    this.#folding = foldWhenLarge(this.#path, this.#db)
      // The next look tries again, and below this hangs the engine's own folding.
      .catch(() => {})
      .finally(() => {
        this.#folding = undefined
      })
    return result
  }

  #speak<T>(statement: (db: SqliteConnection) => T): T | Promise<T> {
    const turn = this.#turn
    if (turn && this.#inside.getStore() === turn) return this.#speakIn(turn, statement)
    this.#assertOpen()
    if (!turn) return statement(this.#db)
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => {
        try {
          resolve(statement(this.#db))
        } catch (error) {
          reject(error)
        }
      })
    })
  }

  #assertOpen(): void {
    if (this.#closing) throw new StorageError('Closed', 'the database is closed')
  }

  #speakIn<T>(turn: Turn, statement: (db: SqliteConnection) => T): T {
    if (!turn.open) throw new StorageError('Closed', 'this transaction has ended')
    this.#db.assertInTransaction()
    return statement(this.#db)
  }

  #faceOf(turn: Turn): Sql {
    return {
      all: async <T>(sql: string, params?: SqlParams) =>
        this.#speakIn(turn, (db) => db.all<T>(sql, params)),
      get: async <T>(sql: string, params?: SqlParams) =>
        this.#speakIn(turn, (db) => db.get<T>(sql, params)),
      run: async (sql, params) => this.#speakIn(turn, (db) => db.run(sql, params)),
      runMany: async (sql, rows) =>
        this.#speakIn(turn, (db) => db.atOnce(() => runRows(db, sql, rows))),
      transaction: async (work) => {
        if (!turn.open) throw new StorageError('Closed', 'this transaction has ended')
        return this.#join(turn, work)
      },
      close: async () => {
        throw new StorageError('InvalidArgument', 'a transaction cannot close its database')
      },
    }
  }
}

function runRows(db: SqliteConnection, sql: string, rows: readonly SqlParams[]) {
  let changes = 0
  for (const row of rows) changes += db.run(sql, row).changes
  return { changes }
}
