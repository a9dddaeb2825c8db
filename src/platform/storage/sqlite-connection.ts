import { constants, DatabaseSync, type Session, type StatementSync } from 'node:sqlite'
import { type SqlParams, type SqlValue, StorageError } from './contracts.ts'
import { type Shape, shapeOf } from './row-shape.ts'
import { checkParams } from './sql-params.ts'
import { sqlError } from './sqlite-errors.ts'

export interface ConnectionOptions {
  /** FULL: each commit is fsynced on the spot. NORMAL (default): commits survive a kill, and a power cut after `sync`. */
  synchronous?: 'NORMAL' | 'FULL'
  readOnly?: boolean
  /** Prepared statements kept (default 256). */
  maxStatements?: number
  /** Page cache in KiB (default 2048). */
  cacheKb?: number
  /** How long to wait for another process's lock (default 5000). It blocks the loop. */
  busyTimeoutMs?: number
  /** Told when the file turns out to be damaged; what it returns is thrown in the error's place. */
  onCorrupt?: (error: StorageError) => unknown
}

/**
 * The write-ahead file is folded off the loop (wal-folder.ts); the engine's own folding, inside a commit, is the net
 * below that, at 32 MB. The size limit makes a file shrink once it was folded, so that its size tells what is waiting.
 */
const writerPragmas =
  'PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 8000; PRAGMA journal_size_limit = 1048576'

const CONFLICTS: Record<number, string> = {
  [constants.SQLITE_CHANGESET_DATA]: 'a row has other values',
  [constants.SQLITE_CHANGESET_NOTFOUND]: 'a row is missing',
  [constants.SQLITE_CHANGESET_CONFLICT]: 'a row is there already',
}

type Row = readonly SqlValue[]

/** What was read in this turn of the loop: nothing, once, or more, in a transaction that lasts as long as the turn. */
type Reads = 'none' | 'once' | 'together'

/** Connections that were read in this turn of the loop. */
let readers: SqliteConnection[] = []

function endTurn(): void {
  const ended = readers
  readers = []
  for (const connection of ended) connection.endTurn()
}

interface Prepared {
  statement: StatementSync
  parameterCount: number
  /** Unknown until the first row: statements that return nothing never need it. */
  toRecord: Shape | undefined
  /** An iterator stands on it: it may not be run by anybody else meanwhile. */
  busy: boolean
  /** How it was used last; see `integersAs`. */
  integers: 'number' | 'bigint'
  /** It changes nothing, as its first word says. */
  isRead: boolean
}

/** One SQLite connection with its prepared statements. Rows come as arrays and are shaped here: a third of the cost. */
export class SqliteConnection {
  readonly #db: DatabaseSync
  /** Least recently used first. */
  readonly #statements = new Map<string, Prepared>()
  #newest: Prepared | undefined
  readonly #maxStatements: number
  readonly #onCorrupt: ((error: StorageError) => unknown) | undefined
  /** What a joined part of the open transaction threw: half of its effects are there. */
  #doomed: { error: unknown } | undefined
  #reads: Reads = 'none'
  /** Gathers what commits change, when somebody wants to know. */
  #session: Session | undefined
  #beginReading: StatementSync | undefined
  #commitReading: StatementSync | undefined

  constructor(path: string, options: ConnectionOptions = {}) {
    const {
      synchronous = 'NORMAL',
      readOnly = false,
      maxStatements = 256,
      cacheKb = 2048,
    } = options
    this.#maxStatements = maxStatements
    this.#onCorrupt = options.onCorrupt
    try {
      this.#db = new DatabaseSync(path, {
        readOnly,
        enableForeignKeyConstraints: false,
        timeout: options.busyTimeoutMs ?? 5000,
      })
      if (!readOnly) this.#db.exec(writerPragmas)
      this.#db.exec(
        `PRAGMA synchronous = ${synchronous}; PRAGMA cache_size = -${cacheKb}; PRAGMA temp_store = MEMORY`,
      )
    } catch (error) {
      throw this.#named(error)
    }
  }

  get isOpen(): boolean {
    return this.#db.isOpen
  }

  get inTransaction(): boolean {
    return this.#reads !== 'together' && this.#db.isOpen && this.#db.isTransaction
  }

  all<T>(sql: string, params: SqlParams = []): T[] {
    const prepared = integersAs('number', this.#prepare(sql, params))
    this.#joinReads(prepared)
    try {
      const rows = prepared.statement.all(...(params as SqlValue[])) as unknown as Row[]
      if (rows.length === 0) return []
      return rows.map(recordShape(prepared)) as T[]
    } catch (error) {
      throw this.#named(error)
    }
  }

  get<T>(sql: string, params: SqlParams = []): T | undefined {
    const prepared = integersAs('number', this.#prepare(sql, params))
    this.#joinReads(prepared)
    try {
      const row = prepared.statement.get(...(params as SqlValue[])) as unknown as Row | undefined
      return row && (recordShape(prepared)(row) as T)
    } catch (error) {
      throw this.#named(error)
    }
  }

  run(sql: string, params: SqlParams = []): { changes: number } {
    const prepared = integersAs('bigint', this.#prepare(sql, params))
    this.#endReading()
    try {
      return { changes: Number(prepared.statement.run(...(params as SqlValue[])).changes) }
    } catch (error) {
      throw this.#named(error)
    }
  }

  *iterate<T>(sql: string, params: SqlParams = []): IterableIterator<T> {
    const prepared = integersAs('number', this.#prepare(sql, params))
    prepared.busy = true
    try {
      for (const row of prepared.statement.iterate(...(params as SqlValue[]))) {
        yield recordShape(prepared)(row as unknown as Row) as T
      }
    } catch (error) {
      throw this.#named(error)
    } finally {
      prepared.busy = false
    }
  }

  exec(sql: string): void {
    this.#endReading()
    try {
      this.#db.exec(sql)
    } catch (error) {
      throw this.#named(error)
    }
  }

  /** Runs `work` in a transaction; inside one it joins it. A throw from a joined part dooms the whole. */
  atOnce<T>(work: () => T): T {
    if (this.inTransaction) return this.joined(work)
    this.begin()
    try {
      const result = work()
      if (result instanceof Promise) {
        throw new StorageError('InvalidArgument', 'the work of a synchronous transaction is async')
      }
      this.commit()
      return result
    } catch (error) {
      this.rollback()
      throw error
    }
  }

  joined<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      this.doom(error)
      throw error
    }
  }

  begin(): void {
    this.#doomed = undefined
    this.exec('BEGIN IMMEDIATE')
  }

  /** Marks the open transaction as half done: it can only be rolled back. */
  doom(error: unknown): void {
    this.#doomed ??= { error }
  }

  commit(): void {
    if (this.#doomed) throw this.#doomed.error
    this.assertInTransaction()
    this.exec('COMMIT')
  }

  rollback(): void {
    if (this.inTransaction) this.exec('ROLLBACK')
  }

  /** After an error such as a full disk the engine may have rolled back by itself: going on would commit piece by piece. */
  assertInTransaction(): void {
    if (!this.#db.isTransaction) {
      throw new StorageError('Closed', 'the engine has rolled the transaction back')
    }
  }

  /** From here on `takeChanges` has what was committed. */
  watch(): void {
    this.#session = this.#db.createSession()
  }

  /** Rows of tables with a primary key that commits changed since the last call; undefined for none. */
  takeChanges(): Uint8Array | undefined {
    if (!this.#session) return undefined
    const changes = this.#session.changeset()
    if (changes.length === 0) return undefined
    this.#session.close()
    this.#session = this.#db.createSession()
    return changes
  }

  /** Makes changes that another connection took, inside the open transaction. Throws Conflict. */
  applyChanges(changes: Uint8Array): void {
    this.#endReading()
    let met: string | undefined
    const onConflict = (kind: number) => {
      met ??= CONFLICTS[kind] ?? 'a constraint is broken'
      return constants.SQLITE_CHANGESET_ABORT
    }
    try {
      if (this.#db.applyChangeset(changes, { onConflict })) return
    } catch (error) {
      if (met === undefined) throw this.#named(error)
    }
    throw new StorageError('Conflict', `changes of a copy do not fit: ${met}`)
  }

  /** Folds the rest of the write-ahead file in, on the spot. */
  foldWal(): void {
    this.exec('PRAGMA wal_checkpoint(PASSIVE)')
  }

  close(): void {
    this.#statements.clear()
    this.#newest = undefined
    this.#reads = 'none'
    if (this.#db.isOpen) this.#db.close()
  }

  /**
   * A read alone takes and gives back the file's lock, which costs more than a small read. Those that follow it before
   * the loop turns share one transaction; whatever is not a read ends it.
   */
  #joinReads({ isRead }: Prepared): void {
    if (!isRead) this.#endReading()
    else if (this.#reads === 'none') {
      this.#reads = 'once'
      if (readers.push(this) === 1) setImmediate(endTurn)
    } else if (this.#reads === 'once' && !this.#db.isTransaction) {
      this.#beginReading ??= this.#bracket('BEGIN')
      this.#beginReading.run()
      this.#reads = 'together'
    }
  }

  #endReading(): void {
    if (this.#reads !== 'together') return
    this.#reads = 'once'
    this.#commitReading ??= this.#bracket('COMMIT')
    this.#commitReading.run()
  }

  /** Running it tells the last rowid, which a full-text table may have put beyond what a number holds. */
  #bracket(sql: string): StatementSync {
    const statement = this.#db.prepare(sql)
    statement.setReadBigInts(true)
    return statement
  }

  /** The loop turns: what was read together no longer holds the file as it was. */
  endTurn(): void {
    this.#endReading()
    this.#reads = 'none'
  }

  #prepare(sql: string, params: SqlParams): Prepared {
    let prepared = this.#statements.get(sql)
    if (prepared && prepared === this.#newest && !prepared.busy) {
      checkParams(params, prepared.parameterCount)
      return prepared
    }
    if (prepared && !prepared.busy) this.#statements.delete(sql)
    else prepared = this.#compile(sql)
    checkParams(params, prepared.parameterCount)
    this.#statements.set(sql, prepared)
    this.#newest = prepared
    if (this.#statements.size > this.#maxStatements) {
      for (const oldest of this.#statements.keys()) {
        this.#statements.delete(oldest)
        break
      }
    }
    return prepared
  }

  #compile(sql: string): Prepared {
    if (!this.#db.isOpen) throw new StorageError('Closed', 'the database is closed')
    try {
      const statement = this.#db.prepare(sql)
      statement.setReturnArrays(true)
      return {
        statement,
        parameterCount: countParameters(sql),
        toRecord: undefined,
        busy: false,
        integers: 'number',
        isRead: /^\s*SELECT\b/i.test(sql),
      }
    } catch (error) {
      throw this.#named(error)
    }
  }

  #named(error: unknown): unknown {
    const named = sqlError(error)
    const isCorrupt = named instanceof StorageError && named.code === 'Corrupt'
    return isCorrupt && this.#onCorrupt ? this.#onCorrupt(named) : named
  }
}

const skipped = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\//g

/** `?` and `?3` outside of literals, quoted names and comments. */
function countParameters(sql: string): number {
  let count = 0
  for (const [, digits] of sql.replace(skipped, ' ').matchAll(/\?(\d*)/g)) {
    count = digits ? Math.max(count, Number(digits)) : count + 1
  }
  return count
}

/**
 * What a statement that was run reports includes the last rowid of any table, also of the engine's
 * own: full-text tables number theirs beyond what a number holds, and node then throws after the fact.
 */
function integersAs(integers: Prepared['integers'], prepared: Prepared): Prepared {
  if (prepared.integers !== integers) {
    prepared.statement.setReadBigInts(integers === 'bigint')
    prepared.integers = integers
  }
  return prepared
}

function recordShape(prepared: Prepared): Shape {
  return (prepared.toRecord ??= shapeOf(prepared.statement.columns().map(({ name }) => name)))
}
