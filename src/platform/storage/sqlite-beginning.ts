import {
  closeSync,
  existsSync,
  fdatasyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { type Migration, StorageError } from './contracts.ts'
import { isNoSpace } from './errors.ts'
import { migrate } from './migrations.ts'
import { removeSqliteFile } from './remove-sqlite-file.ts'
import { type ConnectionOptions, SqliteConnection } from './sqlite-connection.ts'

/** An empty file with all tables, by the list that made them; some 60 KB each. */
const beginnings = new WeakMap<readonly Migration[], Uint8Array>()

/**
 * A new file is a copy of one that the list made before: making tables anew costs six milliseconds, this one. It gets
 * its name when it is whole on the disk, so that a kill or a power cut leaves all of it or nothing. Throws StorageError
 * NoSpace.
 */
export function beginSqliteFile(
  path: string,
  migrations: readonly Migration[],
  options: ConnectionOptions,
): void {
  if (existsSync(path)) return
  // Of a file of this name that was being erased: the engine would take it for the new file's.
  removeSqliteFile(path)
  const unnamed = `${path}.new`
  try {
    let bytes = beginnings.get(migrations)
    if (!bytes) {
      bytes = make(unnamed, migrations, options)
      beginnings.set(migrations, bytes)
    }
    writeWhole(unnamed, bytes)
    renameSync(unnamed, path)
  } catch (error) {
    removeSqliteFile(unnamed)
    if (error instanceof StorageError || !isNoSpace(error)) throw error
    throw new StorageError('NoSpace', (error as Error).message, { cause: error })
  }
}

function make(path: string, migrations: readonly Migration[], options: ConnectionOptions) {
  removeSqliteFile(path)
  const db = new SqliteConnection(path, options)
  try {
    migrate(db, migrations)
  } finally {
    // The last to close folds the write-ahead file in.
    db.close()
  }
  return readFileSync(path)
}

function writeWhole(path: string, bytes: Uint8Array): void {
  rmSync(path, { force: true })
  const file = openSync(path, 'wx')
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at)
    fdatasyncSync(file)
  } finally {
    closeSync(file)
  }
}
