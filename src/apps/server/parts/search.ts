import { join } from 'node:path'
import type { SearchConfig } from '#services/search'
import { closing } from '../closing.ts'
import { directoriesOf } from '../directories.ts'
import { type ServicePart, UsageError } from '../part.ts'

/** A search service: one database, which can be indexed again. */
export const searchPart: ServicePart<SearchConfig> = {
  kind: 'search',
  defaultPort: 2587,
  async load() {
    const [{ createSearch, searchConfig, searchMigrations }, storage] = await Promise.all([
      import('#services/search'),
      import('#platform/storage'),
    ])
    return {
      table: searchConfig,
      wire(values, _place, { peers }) {
        const plc = directoriesOf(values, peers)
        const isWired = values.jetstream !== undefined || values.relay !== undefined
        const jetstream = isWired ? values.jetstream : peers.url('jetstream')
        const relay = isWired ? values.relay : peers.url('relay')
        const missing = []
        if (plc.length === 0) missing.push('falaj search needs a directory: give --plc URL')
        if (!jetstream && !relay)
          missing.push('falaj search needs events: give --jetstream URL or --relay URL')
        if (missing.length > 0) throw new UsageError(...missing)
        const pdsHosts = values.pdsHosts.length > 0 ? values.pdsHosts : peers.urls('pds')
        return { ...values, plc, jetstream, relay, pdsHosts }
      },
      async start(values, { dataDir, log, metrics }, { dev, outside, subscribe, version }) {
        const sql = await storage.openSqlite(join(dataDir, 'search.sqlite'), {
          migrations: storage.loadMigrations(searchMigrations),
          cacheKb: 16 * 1024,
        })
        const service = await createSearch(values, {
          sql,
          outside,
          subscribe,
          log,
          metrics,
          version,
          local: dev,
        })
        return { service: closing(service, [sql]) }
      },
    }
  },
}
