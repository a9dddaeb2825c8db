import { rmSync } from 'node:fs'

/** Erases a closed SQLite file with what stands beside it; a missing one is no error. */
export function removeSqliteFile(path: string): void {
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(path + suffix, { force: true })
}
