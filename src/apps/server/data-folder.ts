/** The folder of one process: made, locked against a second process, removed if it was temporary. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

export interface DataFolder {
  /** Makes and locks the folder of a service. Throws one clear line when another process has it. */
  open(name: string): string
  /** Gives the locks back, and deletes a temporary folder. */
  close(): void
}

export function dataFolder(path: string, ephemeral: boolean): DataFolder {
  const root = ephemeral ? mkdtempSync(join(tmpdir(), 'falaj-')) : resolve(path)
  const locks: DatabaseSync[] = []
  return {
    open(name) {
      const folder = join(root, name)
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      locks.push(lock(folder))
      return folder
    },
    close() {
      for (const held of locks) held.close()
      if (ephemeral) rmSync(root, { recursive: true, force: true })
    },
  }
}

/** An exclusive SQLite lock: the system drops it with the process, whatever its end. */
function lock(folder: string): DatabaseSync {
  const database = new DatabaseSync(join(folder, 'lock.sqlite'))
  try {
    database.exec('pragma locking_mode = exclusive; pragma journal_mode = memory; begin exclusive')
    return database
  } catch (error) {
    database.close()
    if ((error as { errcode?: number }).errcode === 5)
      throw new Error(`${folder} is in use by another process`)
    throw error
  }
}
