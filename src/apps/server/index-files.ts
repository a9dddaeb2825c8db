/** The files that the index of an app view may be in: one serves, and another may be filled beside it. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { nodeFiles, openSqlite, removeSqliteFile, type SqliteOptions } from '#platform/storage'
import type { IndexFiles } from '#services/appview'

const FIRST = 'appview.sqlite'
/** Names the file that serves, where that is not the first. */
const POINTER = 'appview.current'
const NAME = /^appview(-\d+)?\.sqlite$/

/** Indexes in a folder. What serves is told by a file that is replaced whole, or by none. */
export function indexFiles(folder: string, options: SqliteOptions): IndexFiles {
  const pointer = join(folder, POINTER)
  const current = existsSync(pointer) ? readFileSync(pointer, 'utf8').trim() : FIRST
  if (!NAME.test(current)) throw new Error(`${pointer} does not name an index`)
  return {
    current,
    open: (name) => openSqlite(join(folder, name), options),
    async choose(name) {
      const next = await nodeFiles.open(`${pointer}.new`, 'w+')
      try {
        await next.write(Buffer.from(`${name}\n`), 0)
        await next.datasync()
      } finally {
        await next.close()
      }
      await nodeFiles.rename(`${pointer}.new`, pointer)
      await nodeFiles.syncDirectory(folder)
    },
    async keepOnly(names) {
      for (const name of readdirSync(folder))
        if (NAME.test(name) && !names.includes(name)) removeSqliteFile(join(folder, name))
    },
    async room(name) {
      const sizes = [name, `${name}-wal`].map((one) => join(folder, one))
      const bytes = sizes.reduce(
        (sum, path) => sum + (existsSync(path) ? statSync(path).size : 0),
        0,
      )
      return { bytes, freeBytes: await nodeFiles.freeBytes(folder) }
    },
  }
}
