import { AsyncLocalStorage } from 'node:async_hooks'
import { type Migration, type Sql, type SqlParams, StorageError } from './contracts.ts'
import { isConnectionLost } from './postgres-errors.ts'
import { type LinkOptions, type Outcome, PostgresLink } from './postgres-link.ts'
import { migratePostgres } from './postgres-migrations.ts'
import { type PostgresStatement, PostgresStatements } from './postgres-text.ts'
import { checkParams } from './sql-params.ts'

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database?sslmode=…`. */
  url: string
  migrations: readonly Migration[]
  /** Connections that read; one more writes. Default 4. */
  readers?: number
  /** Only one may have it open so (default false): a second waits ten seconds, then it is Locked. */
  exclusive?: boolean
  /** The longest one statement may take (default 30,000). */
  statementTimeoutMs?: number
  /** How long a connection may take to be there (default 10,000). */
  connectTimeoutMs?: number
  /** Told when a connection is lost; it is made again when it is needed. */
  onError?(error: Error): void
}

/**
 * Opens a PostgreSQL database (15 or later, in UTF-8) behind the asynchronous contract. Texts and
 * tables are those of the house: types become PostgreSQL's, texts compare by their bytes, booleans
 * are 0 and 1. Reads outside of transactions go by connections of their own and see what is
 * committed, without waiting for anybody. Errors: Unavailable, Migration.
 */
export async function openPostgres(options: PostgresOptions): Promise<Sql> {
  const {
    migrations,
    readers = 4,
    statementTimeoutMs = 30_000,
    connectTimeoutMs = 10_000,
  } = options
  const link: LinkOptions = {
    url: options.url,
    statementTimeoutMs,
    connectTimeoutMs,
    onError: (error) => options.onError?.(error),
  }
  const writer = new PostgresLink({ ...link, exclusive: options.exclusive ?? false })
  try {
    await migratePostgres(writer, migrations)
  } catch (error) {
    await writer.end()
    throw error
  }
  const reading = Array.from({ length: readers }, () => new PostgresLink(link))
  return new PostgresSql(writer, reading)
}

type Client = Awaited<ReturnType<PostgresLink['client']>>

/** An open transaction. */
interface Turn {
  open: boolean
  client: Client
  /** A statement that may be undone alone: others wait for it. */
  alone: Promise<unknown> | undefined
  /** What a joined part threw, or a statement after which the server takes no more. */
  doomed: { error: unknown } | undefined
}

const ROWS_IN_FLIGHT_MAX = 1_000

class PostgresSql implements Sql {
  readonly #writer: PostgresLink
  readonly #readers: readonly PostgresLink[]
  readonly #statements = new PostgresStatements()
  /** Which transaction the running code belongs to. */
  readonly #inside = new AsyncLocalStorage<Turn>()
  #turn: Turn | undefined
  /** A transaction was asked for and is not open yet: what comes then waits as for an open one. */
  #isBusy = false
  /** Transactions and writes that came while a transaction was open, in order. */
  readonly #waiting: (() => void)[] = []
  #closing = false
  /** Calls that were not answered yet. */
  #running = 0
  #idle: (() => void)[] = []

  constructor(writer: PostgresLink, readers: readonly PostgresLink[]) {
    this.#writer = writer
    this.#readers = readers
  }

  async all<T>(sql: string, params: SqlParams = []): Promise<T[]> {
    return (await this.#speak<T>(sql, params)).rows
  }

  async get<T>(sql: string, params: SqlParams = []): Promise<T | undefined> {
    return (await this.#speak<T>(sql, params)).rows[0]
  }

  async run(sql: string, params: SqlParams = []): Promise<{ changes: number }> {
    return { changes: (await this.#speak(sql, params)).changes }
  }

  async runMany(sql: string, rows: readonly SqlParams[]): Promise<{ changes: number }> {
    const statement = this.#checked(sql, rows)
    const turn = this.#ownTurn()
    if (turn) return this.#runRows(turn, statement, rows)
    return this.transaction(() => this.#runRows(this.#ownTurn()!, statement, rows))
  }

  async transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    const outer = this.#inside.getStore()
    if (outer?.open) return this.#join(outer, work)
    this.#assertOpen()
    if (!this.#isBusy) return this.#counted(this.#begin(work))
    const inCallersScope = AsyncLocalStorage.snapshot()
    return this.#counted(
      new Promise((resolve) => {
        this.#waiting.push(() => resolve(inCallersScope(() => this.#begin(work))))
      }),
    )
  }

  async close(): Promise<void> {
    this.#closing = true
    while (this.#running > 0) await new Promise<void>((resolve) => this.#idle.push(resolve))
    await Promise.all([this.#writer, ...this.#readers].map((link) => link.end()))
  }

  async #begin<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    this.#isBusy = true
    let turn: Turn | undefined
    try {
      turn = await this.#opened()
      this.#turn = turn
      const face = this.#faceOf(turn)
      const result = await this.#inside.run(turn, () => work(face))
      await turn.alone
      if (turn.doomed) throw turn.doomed.error
      turn.open = false
      await this.#writer.exec(turn.client, 'commit')
      return result
    } catch (error) {
      if (turn) await this.#rollBack(turn)
      throw error
    } finally {
      if (turn) turn.open = false
      this.#turn = undefined
      this.#isBusy = false
      while (!this.#isBusy && this.#waiting.length > 0) this.#waiting.shift()!()
    }
  }

  /** A connection that broke while nobody looked is made again. */
  async #opened(): Promise<Turn> {
    for (let attempt = 1; ; attempt++) {
      try {
        const client = await this.#writer.client()
        await this.#writer.exec(client, 'begin')
        return { open: true, client, alone: undefined, doomed: undefined }
      } catch (error) {
        if (attempt === 2 || !isLost(error)) throw error
      }
    }
  }

  async #rollBack(turn: Turn): Promise<void> {
    turn.open = false
    try {
      await this.#writer.exec(turn.client, 'rollback')
    } catch {
      // Whatever is still open there ends with it.
      this.#writer.drop(turn.client)
    }
  }

  async #join<T>(turn: Turn, work: (sql: Sql) => Promise<T>): Promise<T> {
    try {
      return await work(this.#faceOf(turn))
    } catch (error) {
      turn.doomed ??= { error }
      throw error
    }
  }

  /** The transaction that the running code belongs to, if it is still open. */
  #ownTurn(): Turn | undefined {
    const turn = this.#turn
    return turn?.open && this.#inside.getStore() === turn ? turn : undefined
  }

  async #speak<T>(sql: string, params: SqlParams): Promise<Outcome<T>> {
    const turn = this.#ownTurn()
    if (!turn) this.#assertOpen()
    const statement = this.#checked(sql, [params])
    if (turn) return this.#speakIn<T>(turn, statement, params)
    if (statement.isRead) return this.#counted(this.#read<T>(statement, params))
    return this.#counted(this.#write<T>(statement, params))
  }

  async #read<T>(statement: PostgresStatement, params: SqlParams): Promise<Outcome<T>> {
    for (let attempt = 1; ; attempt++) {
      const link = this.#readers.reduce((a, b) => (b.waiting < a.waiting ? b : a))
      try {
        return await link.ask<T>(await link.client(), statement, params)
      } catch (error) {
        // It changed nothing: a server that came back is asked again.
        if (attempt === 2 || !isLost(error)) throw error
      }
    }
  }

  #write<T>(statement: PostgresStatement, params: SqlParams): Promise<Outcome<T>> {
    if (!this.#isBusy) return this.#writeNow<T>(statement, params)
    return new Promise((resolve) => {
      this.#waiting.push(() => resolve(this.#writeNow<T>(statement, params)))
    })
  }

  /** Sent before anything that is asked for later. */
  async #writeNow<T>(statement: PostgresStatement, params: SqlParams): Promise<Outcome<T>> {
    const client = this.#writer.client()
    return this.#writer.ask<T>(client instanceof Promise ? await client : client, statement, params)
  }

  async #speakIn<T>(
    turn: Turn,
    statement: PostgresStatement,
    params: SqlParams,
  ): Promise<Outcome<T>> {
    while (turn.alone) await turn.alone
    if (!turn.open) throw new StorageError('Closed', 'this transaction has ended')
    if (statement.mayConflict) return this.#alone<T>(turn, statement, params)
    try {
      return await this.#writer.ask<T>(turn.client, statement, params)
    } catch (error) {
      // What failed first is why: of the rest the server says only that it did.
      turn.doomed ??= { error }
      throw turn.doomed.error
    }
  }

  /** What it does is undone when it fails, and nothing else is. */
  #alone<T>(turn: Turn, statement: PostgresStatement, params: SqlParams): Promise<Outcome<T>> {
    const writer = this.#writer
    const { client } = turn
    const attempt = async () => {
      const begun = writer.exec(client, 'savepoint alone')
      const answer = writer.ask<T>(client, statement, params)
      const kept = writer.exec(client, 'release savepoint alone')
      const [, outcome] = await Promise.allSettled([begun, answer, kept])
      if (outcome.status === 'fulfilled') return outcome.value
      await writer
        .exec(client, 'rollback to savepoint alone; release savepoint alone')
        .catch(() => {
          turn.doomed ??= { error: outcome.reason }
        })
      throw turn.doomed?.error ?? outcome.reason
    }
    const done = attempt()
    turn.alone = done
      .catch(() => {})
      .then(() => {
        turn.alone = undefined
      })
    return done
  }

  /** All rows go out before the first is answered, and fail together. */
  async #runRows(
    turn: Turn,
    statement: PostgresStatement,
    rows: readonly SqlParams[],
  ): Promise<{ changes: number }> {
    while (turn.alone) await turn.alone
    if (!turn.open) throw new StorageError('Closed', 'this transaction has ended')
    let changes = 0
    for (let at = 0; at < rows.length; at += ROWS_IN_FLIGHT_MAX) {
      const some = rows.slice(at, at + ROWS_IN_FLIGHT_MAX)
      const answers = await Promise.allSettled(
        some.map((row) => this.#writer.ask(turn.client, statement, row)),
      )
      for (const answer of answers) {
        if (answer.status === 'fulfilled') changes += answer.value.changes
        else {
          turn.doomed ??= { error: answer.reason }
          throw turn.doomed.error
        }
      }
    }
    return { changes }
  }

  #checked(sql: string, rows: readonly SqlParams[]): PostgresStatement {
    const statement = this.#statements.of(sql)
    for (const row of rows) checkParams(row, statement.parameterCount)
    return statement
  }

  #faceOf(turn: Turn): Sql {
    const speak = async <T>(sql: string, params: SqlParams = []) => {
      if (!turn.open) throw new StorageError('Closed', 'this transaction has ended')
      return this.#speakIn<T>(turn, this.#checked(sql, [params]), params)
    }
    return {
      all: async <T>(sql: string, params?: SqlParams) => (await speak<T>(sql, params)).rows,
      get: async <T>(sql: string, params?: SqlParams) => (await speak<T>(sql, params)).rows[0],
      run: async (sql, params) => ({ changes: (await speak(sql, params)).changes }),
      runMany: async (sql, rows) => this.#runRows(turn, this.#checked(sql, rows), rows),
      transaction: async (work) => {
        if (!turn.open) throw new StorageError('Closed', 'this transaction has ended')
        return this.#join(turn, work)
      },
      close: async () => {
        throw new StorageError('InvalidArgument', 'a transaction cannot close its database')
      },
    }
  }

  async #counted<T>(call: Promise<T>): Promise<T> {
    this.#running++
    try {
      return await call
    } finally {
      if (--this.#running === 0) for (const resolve of this.#idle.splice(0)) resolve()
    }
  }

  #assertOpen(): void {
    if (this.#closing) throw new StorageError('Closed', 'the database is closed')
  }
}

/** Whether the connection went, so that another may do it. */
function isLost(error: unknown): boolean {
  return error instanceof StorageError && isConnectionLost(error.cause)
}
