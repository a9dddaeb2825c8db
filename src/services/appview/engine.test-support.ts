/** The index of tests: in SQLite, or in PostgreSQL under FALAJ_TEST_ENGINE=postgres. */
import { sharedPostgres } from '#network/postgres'
import {
  loadMigrations,
  openPostgres,
  openSqlite,
  type Sql,
  type SqlParams,
} from '#platform/storage'

export const isPostgres = process.env.FALAJ_TEST_ENGINE === 'postgres'

/** Runs of a property that opens an index each time: a server takes its time for that. */
export const runs = (count: number) => (isPostgres ? Math.ceil(count / 10) : count)

const migrations = loadMigrations(new URL('migrations/', import.meta.url))
const schemas = new Map<string, string>()

/** Opens an index; one that has a path is found again under it. */
export async function openIndex(path = ':memory:'): Promise<Sql> {
  if (!isPostgres) return openSqlite(path, { migrations, cacheKb: 64 * 1024 })
  const url = schemas.get(path) ?? (await (await sharedPostgres()).schema())
  if (path !== ':memory:') schemas.set(path, url)
  return new AwaitedSql(await openPostgres({ url, migrations, readers: 2 }))
}

/**
 * An index whose tables are each cut into pieces by the key that a distributed engine would cut it
 * by, on a server that goes by indexes wherever it can. Accounts have large numbers there.
 */
export async function openInPieces(
  keys: Readonly<Record<string, string>>,
  count: number,
): Promise<Sql> {
  const schema = await (await sharedPostgres()).schema()
  const off = [...['seqscan', 'hashjoin', 'mergejoin', 'bitmapscan', 'material']].map(
    (name) => `%20-c%20enable_${name}%3Doff`,
  )
  const inPieces = migrations.map((migration) => ({
    ...migration,
    postgres: (migration.postgres ?? migration.sql).replace(
      /create table (\w+) \(([^;]*)\)(?: without rowid)?;/g,
      (whole, table: string, columns: string) => {
        const key = keys[table]
        if (key === undefined) return whole
        const pieces = Array.from({ length: count }, (_, i) =>
          [`create table ${table}_p${i} partition of ${table} for values`]
            .concat(`with (modulus ${count}, remainder ${i});`)
            .join(' '),
        )
        // A column that is cut by gives no numbers out.
        const plain = columns.replace(/integer primary key/, 'integer not null primary key')
        return [`create table ${table} (${plain}) partition by hash (${key});`, ...pieces].join(
          '\n',
        )
      },
    ),
  }))
  const sql = await openPostgres({
    url: `${schema}${off.join('')}`,
    migrations: inPieces,
    readers: 2,
  })
  await sql.run('alter sequence actor_aid_seq restart with 1000001')
  return new AwaitedSql(sql)
}

/** Statements that have every post refused whose text is poison. */
export const poisonTrigger = isPostgres
  ? [
      `create function poison() returns trigger language plpgsql as $$ begin
         if new.body like '%poison%' then raise 'poison'; end if; return new; end $$`,
      'create trigger poison before insert on post for each row execute function poison()',
    ]
  : [
      `create trigger poison before insert on post when new.body like '%poison%'
       begin select raise(abort, 'poison'); end`,
    ]

/** How often nothing may be under way before it is believed. */
const QUIET_TURNS = 5

/** Knows whether answers are awaited: a server takes time that no test hands out. */
class AwaitedSql implements Sql {
  readonly #sql: Sql
  #waiting = 0
  #answered: (() => void)[] = []

  constructor(sql: Sql) {
    this.#sql = sql
  }

  /** Resolves when everything asked for was answered, and nothing more came of that. */
  async quiet(): Promise<void> {
    for (let turns = 0; turns < QUIET_TURNS; turns++) {
      if (this.#waiting > 0) {
        await new Promise<void>((resolve) => this.#answered.push(resolve))
        turns = 0
      }
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  all = <T>(sql: string, params?: SqlParams) => this.#awaited(this.#sql.all<T>(sql, params))
  get = <T>(sql: string, params?: SqlParams) => this.#awaited(this.#sql.get<T>(sql, params))
  run = (sql: string, params?: SqlParams) => this.#awaited(this.#sql.run(sql, params))
  runMany = (sql: string, rows: readonly SqlParams[]) => this.#awaited(this.#sql.runMany(sql, rows))
  transaction = <T>(work: (sql: Sql) => Promise<T>) => this.#awaited(this.#sql.transaction(work))
  close = () => this.#sql.close()

  async #awaited<T>(call: Promise<T>): Promise<T> {
    this.#waiting++
    try {
      return await call
    } finally {
      this.#waiting--
      for (const resolve of this.#answered.splice(0)) resolve()
    }
  }
}

/** Waits until an index behind a socket has answered; one in this process always has. */
export async function quiet(sql: Sql | undefined): Promise<void> {
  if (sql instanceof AwaitedSql) await sql.quiet()
}
