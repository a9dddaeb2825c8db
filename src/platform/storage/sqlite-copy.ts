import { rmSync } from 'node:fs'
import { backup, DatabaseSync } from 'node:sqlite'
import { nodeFiles } from './files.ts'
import { removeSqliteFile } from './remove-sqlite-file.ts'
import { sqlError } from './sqlite-errors.ts'

/** Pages copied before others have their turn: 1 MiB. */
const PAGES_AT_ONCE = 256

/**
 * Copies a database that others go on writing to: `to` becomes one file, on the disk, as the database was at this
 * call, whatever is committed while it runs. Errors: NoSpace.
 */
export function copySqlite(path: string, to: string): Promise<void> {
  removeSqliteFile(to)
  const reader = new DatabaseSync(path, { readOnly: true })
  try {
    // A transaction stands on the moment of its first read; the backup reads within it.
    reader.exec('BEGIN')
    reader.prepare('SELECT count(*) FROM sqlite_schema').get()
  } catch (error) {
    reader.close()
    throw sqlError(error)
  }
  return finish(reader, to)
}

async function finish(reader: DatabaseSync, to: string): Promise<void> {
  try {
    await backup(reader, to, { rate: PAGES_AT_ONCE })
    const file = await nodeFiles.open(to, 'r+')
    await file.datasync().finally(() => file.close())
  } catch (error) {
    rmSync(to, { force: true })
    throw sqlError(error)
  } finally {
    reader.close()
  }
}
