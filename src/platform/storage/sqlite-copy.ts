import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { backup, DatabaseSync } from 'node:sqlite'
import { StorageError } from './contracts.ts'
import { isNoSpace } from './errors.ts'
import { nodeFiles } from './files.ts'
import { removeSqliteFile } from './remove-sqlite-file.ts'
import { writeFully } from './segment-file.ts'
import { sqlError } from './sqlite-errors.ts'

/** Pages copied before others have their turn: 1 MiB. */
const PAGES_AT_ONCE = 256
const PIECE_BYTES = 256 * 1024

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

/**
 * As `copySqlite`, handed out in pieces; `temporary` is where it lies until it is read, or given up. `atThisMoment` is
 * called at the moment that the copy shows.
 */
export async function readSqliteCopy(
  path: string,
  temporary: string,
  atThisMoment: () => void = () => {},
): Promise<AsyncIterableIterator<Uint8Array>> {
  await nodeFiles.makeDirectory(dirname(temporary))
  const copied = copySqlite(path, temporary)
  atThisMoment()
  await copied
  return pieces(temporary)
}

async function* pieces(path: string): AsyncGenerator<Uint8Array> {
  const file = await nodeFiles.open(path, 'r')
  try {
    for (let at = 0; ; ) {
      const room = new Uint8Array(PIECE_BYTES)
      const count = await file.read(room, at)
      if (count === 0) return
      yield room.subarray(0, count)
      at += count
    }
  } finally {
    await file.close()
    removeSqliteFile(path)
  }
}

/**
 * Puts a database file in place that comes in pieces: whole and on the disk, or not at all. From `whenHere` on, which
 * runs when all of it has come, nobody may have the one before open.
 */
export async function takeSqliteFile(
  path: string,
  source: AsyncIterable<Uint8Array>,
  whenHere: () => Promise<void> = async () => {},
): Promise<void> {
  const unnamed = `${path}.new`
  await nodeFiles.makeDirectory(dirname(path))
  removeSqliteFile(unnamed)
  try {
    const file = await nodeFiles.open(unnamed, 'w+')
    try {
      let at = 0
      for await (const piece of source) {
        await writeFully(file, piece, at)
        at += piece.length
      }
      await file.datasync()
    } finally {
      await file.close()
    }
    await whenHere()
    // What stands beside a file of before would be taken for this one's.
    for (const suffix of ['-wal', '-shm', '-journal']) rmSync(path + suffix, { force: true })
    await nodeFiles.rename(unnamed, path)
    await nodeFiles.syncDirectory(dirname(path))
  } catch (error) {
    removeSqliteFile(unnamed)
    throw isNoSpace(error) ? new StorageError('NoSpace', `${path} cannot be written`) : error
  }
}
