import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { type Migration, StorageError } from './contracts.ts'
import type { SqliteConnection } from './sqlite-connection.ts'

/**
 * Reads the `0001-what-it-does.sql` files of a directory, in order; beside one, `0001-what-it-does.postgres.sql` stands
 * for it in PostgreSQL. Other files are refused.
 */
export function loadMigrations(directory: URL): Migration[] {
  const base = directory.href.endsWith('/') ? directory : new URL(`${directory.href}/`)
  const files = new Set(readdirSync(directory).sort())
  const read = (file: string) => readFileSync(new URL(file, base), 'utf8')
  const migrations: Migration[] = []
  for (const file of files) {
    const [, name, isPostgres] = /^(\d{4}-[a-z0-9-]+)(\.postgres)?\.sql$/.exec(file) ?? []
    if (!name) throw new StorageError('Migration', `${file} is not named like 0001-name.sql`)
    if (isPostgres && !files.has(`${name}.sql`))
      throw new StorageError('Migration', `${file} stands for a migration that is not there`)
    if (isPostgres) continue
    const postgres = `${name}.postgres.sql`
    const isOther = files.has(postgres)
    migrations.push({ name, sql: read(file), ...(isOther && { postgres: read(postgres) }) })
  }
  return migrations
}

/**
 * Brings a database up to the list: a new one by all of it in one transaction, others by each migration in its own. What
 * is applied must be the beginning of the list, unchanged: a changed, missing or unknown one is refused with StorageError
 * Migration.
 */
export function migrate(db: SqliteConnection, migrations: readonly Migration[]): void {
  if (migrations.length === 0) return
  const known = readApplied(db)
  const missing = missingMigrations(migrations, known ?? [])
  if (!known) apply(db, migrations, TABLE)
  else for (const migration of missing) apply(db, [migration])
}

/** Those not applied yet. Throws StorageError Migration where the list and what was applied do not fit. */
export function missingMigrations(
  migrations: readonly Migration[],
  applied: readonly AppliedMigration[],
): readonly Migration[] {
  for (const [index, row] of applied.entries()) {
    const expected = migrations[index]
    if (expected?.name !== row.name) {
      throw new StorageError(
        'Migration',
        `the database has ${row.name} where this program has ${expected?.name ?? 'nothing'}`,
      )
    }
    if (checksumOf(expected) !== row.checksum) {
      throw new StorageError('Migration', `${row.name} was changed after it was applied`)
    }
  }
  for (const [index, migration] of migrations.entries()) {
    const before = migrations[index - 1]
    if (before && before.name >= migration.name) {
      throw new StorageError('Migration', `${migration.name} comes after ${before.name}`)
    }
  }
  return migrations.slice(applied.length)
}

/** A row of the table `migrations`. */
export interface AppliedMigration {
  name: string
  checksum: string
}

const TABLE = 'CREATE TABLE migrations (name TEXT PRIMARY KEY, checksum TEXT NOT NULL) STRICT'

/** Undefined for a database that never had any. */
function readApplied(db: SqliteConnection): AppliedMigration[] | undefined {
  try {
    return db.all<AppliedMigration>('SELECT name, checksum FROM migrations ORDER BY name')
  } catch (error) {
    if (!/no such table/.test((error as Error).message)) throw error
    return undefined
  }
}

/** Applies them as one transaction, which begins with `first`. */
function apply(db: SqliteConnection, migrations: readonly Migration[], first = ''): void {
  let name = 'the first migration'
  try {
    db.exec(`BEGIN IMMEDIATE; ${first}`)
    for (const migration of migrations) {
      name = migration.name
      db.exec(migration.sql)
      db.run('INSERT INTO migrations (name, checksum) VALUES (?, ?)', [name, checksumOf(migration)])
    }
    db.exec('COMMIT')
  } catch (error) {
    if (db.inTransaction) db.exec('ROLLBACK')
    throw new StorageError('Migration', `${name}: ${(error as Error).message}`, { cause: error })
  }
}

const checksums = new WeakMap<Migration, string>()

/** What is remembered of an applied one. Line ends are not a change: a checkout on another system must open the same database. */
export function checksumOf(migration: Migration): string {
  let checksum = checksums.get(migration)
  if (checksum === undefined) {
    const text = migration.sql.replaceAll('\r\n', '\n')
    checksum = createHash('sha256').update(text).digest('hex')
    checksums.set(migration, checksum)
  }
  return checksum
}
