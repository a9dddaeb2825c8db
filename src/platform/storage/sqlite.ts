import { AsyncLocalStorage } from 'node:async_hooks'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Migration, type Sql, type SqlParams, StorageError } from './contracts.ts'
import { migrate } from './migrations.ts'
import { type ConnectionOptions, SqliteConnection } from './sqlite-connection.ts'

export interface SqliteOptions extends ConnectionOptions {
  migrations: readonly Migration[]
}

/** Opens (and creates) one SQLite database behind the asynchronous contract; `:memory:` for a passing one. */
export async function openSqlite(path: string, options: SqliteOptions): Promise<Sql> {
  if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true })
  const db = new SqliteConnection(path, options)
  try {
    migrate(db, options.migrations)
  } catch (error) {
    db.close()
    throw error
  }
  return new SqliteSql(db)
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

  constructor(db: SqliteConnection) {
    this.#db = db
  }

  async all<T>(sql: string, params?: SqlParams): Promise<T[]> {
    return this.#speak((db) => db.all<T>(sql, params))
  }

  async get<T>(sql: string, params?: SqlParams): Promise<T | undefined> {
    return this.#speak((db) => db.get<T>(sql, params))
  }

  async run(sql: string, params?: SqlParams): Promise<{ changes: number }> {
    return this.#speak((db) => db.run(sql, params))
  }

  async runMany(sql: string, rows: readonly SqlParams[]): Promise<{ changes: number }> {
    return this.#speak((db) => db.atOnce(() => runRows(db, sql, rows)))
  }

  async transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    const outer = this.#inside.getStore()
    if (outer?.open) return this.#join(outer, work)
    if (!this.#turn) return this.#begin(work)
    const inCallersScope = AsyncLocalStorage.snapshot()
    return new Promise((resolve) => {
      this.#waiting.push(() => resolve(inCallersScope(() => this.#begin(work))))
    })
  }

  async close(): Promise<void> {
    if (this.#turn) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#db.close()
  }

  async #begin<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    const turn: Turn = { open: true }
    this.#turn = turn
    try {
      this.#db.begin()
      const result = await this.#inside.run(turn, () => work(this.#faceOf(turn)))
      this.#db.commit()
      return result
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
      this.#db.doom(error)
      throw error
    }
  }

  #speak<T>(statement: (db: SqliteConnection) => T): T | Promise<T> {
    if (!this.#turn) return statement(this.#db)
    if (this.#inside.getStore() === this.#turn) return this.#speakIn(this.#turn, statement)
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
