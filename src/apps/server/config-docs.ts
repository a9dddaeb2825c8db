/** Every config table of this program, for docs/config.md. */
import type { ConfigTable } from '#platform/runtime'
import { parts } from './parts.ts'
import { placedTable, serverConfig } from './server-config.ts'

/** Loads every service's table: slow, for the docs and their test only. */
export async function configTables(): Promise<ConfigTable[]> {
  const loaded = await Promise.all(
    parts.map(async (part) => placedTable((await part.load()).table, part.defaultPort)),
  )
  return [serverConfig as ConfigTable, ...loaded]
}
