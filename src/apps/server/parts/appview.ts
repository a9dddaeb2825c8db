import { join } from 'node:path'
import type { AppviewConfig } from '#services/appview'
import { closing } from '../closing.ts'
import { hostKey } from '../host-key.ts'
import { type ServicePart, UsageError } from '../part.ts'

/** An app view: one database, which can be indexed again, and the key that seals its identity. */
export const appviewPart: ServicePart<AppviewConfig> = {
  kind: 'appview',
  defaultPort: 2584,
  async load() {
    const [{ createAppview, appviewConfig, appviewMigrations }, storage] = await Promise.all([
      import('#services/appview'),
      import('#platform/storage'),
    ])
    return {
      table: appviewConfig,
      wire(values, _place, { peers }) {
        const plc = values.plc ?? peers.url('plc')
        const relay = values.relay ?? peers.url('relay')
        const missing = []
        if (!plc) missing.push('falaj appview needs a directory: give --plc URL')
        if (!relay) missing.push('falaj appview needs events: give --relay URL')
        if (missing.length > 0) throw new UsageError(...missing)
        const pdsHosts = values.pdsHosts.length > 0 ? values.pdsHosts : peers.urls('pds')
        return { ...values, plc, relay, pdsHosts }
      },
      async start(values, place, { outside, subscribe, version }) {
        const { dataDir, log, metrics, url } = place
        const sql = await storage.openSqlite(join(dataDir, 'appview.sqlite'), {
          migrations: storage.loadMigrations(appviewMigrations),
        })
        const service = await createAppview(
          { ...values, plc: values.plc!, relay: values.relay! },
          {
            publicUrl: url,
            sql,
            sealingKey: hostKey(join(dataDir, 'host.key')),
            outside,
            subscribe,
            log,
            metrics,
            version,
          },
        )
        return { service: closing(service, [sql]), did: service.did }
      },
    }
  },
}
