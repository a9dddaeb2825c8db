import type pg from 'pg'
import { type SqlParams, type SqlValue, StorageError } from './contracts.ts'
import { isConnectionLost, postgresError } from './postgres-errors.ts'
import type { PostgresStatement } from './postgres-text.ts'
import { type Shape, shapeOf } from './row-shape.ts'

export interface LinkOptions {
  url: string
  /** The longest one statement may take, in milliseconds. */
  statementTimeoutMs: number
  connectTimeoutMs: number
  /** The database is held against others that ask for the same while this connection is open. */
  exclusive?: boolean
  /** Told when a connection is lost. */
  onError(error: Error): void
}

export interface Outcome<T> {
  rows: T[]
  changes: number
}

type Client = InstanceType<typeof pg.Client>

/** A numeric comes of sums; what is no safe integer is a float. */
const PARSERS: Record<number, (text: string) => SqlValue> = {
  16: (text) => (text === 't' ? 1 : 0),
  17: (text) => new Uint8Array(Buffer.from(text.slice(2), 'hex')),
  ...Object.fromEntries([20, 21, 23, 26, 700, 701, 1700].map((oid) => [oid, Number])),
}
const asText = (text: string) => text
const types = { getTypeParser: (oid: number) => PARSERS[oid] ?? asText } as never

/**
 * One connection to a server, made when it is first needed and again after it was lost. What is
 * asked of it goes out at once, without waiting for earlier answers, and is done in that order.
 */
export class PostgresLink {
  readonly #options: LinkOptions
  #client: Client | undefined
  #connecting: Promise<Client> | undefined
  #isClosed = false
  /** Statements whose answers are awaited. */
  waiting = 0

  constructor(options: LinkOptions) {
    this.#options = options
  }

  /** The connection, when it is there; else a promise of it. Errors: Unavailable, Closed. */
  client(): Client | Promise<Client> {
    if (this.#isClosed) throw new StorageError('Closed', 'the database is closed')
    return this.#client ?? (this.#connecting ??= this.#connect())
  }

  async end(): Promise<void> {
    this.#isClosed = true
    const client = this.#client ?? (await this.#connecting?.catch(() => undefined))
    await client?.end()
  }

  /** Lets the connection go, with whatever is open on it. */
  drop(client: Client): void {
    if (this.#client === client) this.#client = undefined
    client.end().catch(() => {})
  }

  /** Asks on a connection that is there. */
  ask<T>(client: Client, statement: PostgresStatement, params: SqlParams): Promise<Outcome<T>> {
    this.waiting++
    const { name, text } = statement
    return new Promise((resolve, reject) => {
      client.query(
        {
          ...(name !== undefined && { name }),
          text,
          values: valuesOf(params),
          rowMode: 'array',
          types,
        },
        (error, result) => {
          this.waiting--
          if (error) {
            // What follows would go nowhere.
            if (isConnectionLost(error) && this.#client === client) this.#client = undefined
            return reject(postgresError(error))
          }
          const rows = result.rows as SqlValue[][]
          const shape: Shape | undefined =
            rows.length > 0 ? shapeOf(result.fields.map((field) => field.name)) : undefined
          resolve({
            rows: (shape ? rows.map(shape) : []) as T[],
            changes: result.rowCount ?? 0,
          })
        },
      )
    })
  }

  /** Several statements in one text, without parameters. */
  exec(client: Client, text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      client.query(text, (error) => {
        if (error && isConnectionLost(error) && this.#client === client) this.#client = undefined
        error ? reject(postgresError(error)) : resolve()
      })
    })
  }

  async #connect(): Promise<Client> {
    const { url, connectTimeoutMs: connectionTimeoutMillis, statementTimeoutMs } = this.#options
    // Whoever keeps no rows in PostgreSQL does not load its driver.
    const { Client } = (await import('pg')).default
    const client = new Client({
      connectionString: url,
      connectionTimeoutMillis,
      application_name: 'falaj',
      keepAlive: true,
      pipeline: true,
    } as pg.ClientConfig)
    client.on('error', (error) => {
      if (this.#client === client) this.#client = undefined
      this.#options.onError(postgresError(error) as Error)
    })
    client.on('end', () => {
      if (this.#client === client) this.#client = undefined
    })
    try {
      await client.connect()
      // The plans of short statements are not worth compiling.
      await client.query(
        `set jit = off; set statement_timeout = ${statementTimeoutMs};
         set idle_in_transaction_session_timeout = ${IDLE_MS}`,
      )
      if (this.#options.exclusive) await hold(client)
    } catch (error) {
      client.end().catch(() => {})
      throw postgresError(error)
    } finally {
      this.#connecting = undefined
    }
    this.#client = client
    return client
  }
}

const HOLD_LOCK = 0x66_61_6c_61 // fala
const HOLD_WAIT_MS = 10_000

/** Whoever had it before may have died a moment ago: the server then still has to notice. */
async function hold(client: Client): Promise<void> {
  try {
    // By schema: several indexes may share a database.
    await client.query(`set lock_timeout = ${HOLD_WAIT_MS};
      select pg_advisory_lock(${HOLD_LOCK}, hashtext(current_schema())); set lock_timeout = 0`)
  } catch (error) {
    if ((error as { code?: string }).code !== '55P03') throw error
    throw new StorageError('Locked', 'another process has the database open', { cause: error })
  }
}

/** A transaction whose process froze must not hold its locks for good. */
const IDLE_MS = 60_000

/** PostgreSQL has no NUL in a text: another sign stands for it, in what is stored and in what is looked for. */
function valuesOf(params: SqlParams): SqlValue[] {
  return params.map((value) =>
    typeof value === 'string' && value.includes('\0') ? value.replaceAll('\0', '\ufffd') : value,
  )
}
