import { join } from 'node:path'
import { sealer } from '#platform/runtime'
import type { FeedsConfig } from '#services/feeds'
import { closing } from '../closing.ts'
import { directoriesOf } from '../directories.ts'
import { hostKey } from '../host-key.ts'
import { type ServicePart, UsageError } from '../part.ts'

/** How what is needed is given. */
const FLAGS: Readonly<Record<string, string>> = {
  plc: '--plc URL',
  jetstream: '--jetstream URL',
  accountHost: '--feeds-account-host URL',
  account: '--feeds-account HANDLE',
}

/** Local mode's account for the feeds, made at the first host. */
const LOCAL_ACCOUNT = 'falaj-feeds'

/** Feed generators: one database that can be filled again, and the key that seals their identity. */
export const feedsPart: ServicePart<FeedsConfig> = {
  kind: 'feeds',
  defaultPort: 2588,
  async load() {
    const [{ createFeeds, feedsConfig, feedsMigrations }, storage] = await Promise.all([
      import('#services/feeds'),
      import('#platform/storage'),
    ])
    return {
      table: feedsConfig,
      wire(values, _place, { dev, peers }) {
        const plc = directoriesOf(values, peers)
        const jetstream = values.jetstream ?? peers.url('jetstream')
        const accountHost = values.accountHost ?? peers.url('pds')
        const account = values.account ?? (dev ? `${LOCAL_ACCOUNT}.test` : undefined)
        const needs = { plc, jetstream, accountHost, account }
        const missing = Object.entries(needs).filter(([, value]) => !value?.length)
        if (missing.length > 0)
          throw new UsageError(...missing.map(([name]) => `falaj feeds needs ${FLAGS[name]}`))
        return { ...values, ...needs }
      },
      async start(values, { dataDir, log, metrics, url }, { outside, subscribe, version }) {
        const sql = await storage.openSqlite(join(dataDir, 'feeds.sqlite'), {
          migrations: storage.loadMigrations(feedsMigrations),
        })
        const service = await createFeeds(
          {
            ...values,
            jetstream: values.jetstream!,
            accountHost: values.accountHost!,
            account: values.account!,
          },
          {
            publicUrl: url,
            sql,
            sealer: sealer(hostKey(join(dataDir, 'host.key'))),
            outside,
            subscribe,
            log,
            metrics,
            version,
          },
        )
        const about = {
          // Read when the ready line is written: by then the host has taken the records.
          get uris() {
            return service.published()
          },
        }
        return { service: closing(service, [sql]), did: service.did, about }
      },
    }
  },
}
