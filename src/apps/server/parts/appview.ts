import { join } from 'node:path'
import type { AppviewConfig } from '#services/appview'
import { closing } from '../closing.ts'
import { directoriesOf } from '../directories.ts'
import { hostKey } from '../host-key.ts'
import { type ServicePart, UsageError } from '../part.ts'

/** An app view: one database that can be indexed again, and the key that seals its identity. */
export const appviewPart: ServicePart<AppviewConfig> = {
  kind: 'appview',
  defaultPort: 2584,
  async load() {
    const [{ appviewConfig, appviewMigrations, createAppview, scopeRule }, storage] =
      await Promise.all([import('#services/appview'), import('#platform/storage')])
    return {
      table: appviewConfig,
      wire(values, _place, { peers }) {
        const plc = directoriesOf(values, peers)
        // A single host speaks the same stream as a relay of all.
        const relay = values.relay ?? peers.url('relay') ?? peers.url('pds')
        const missing = [
          ...(plc.length > 0 ? [] : ['falaj appview needs a directory: give --plc URL']),
          ...(relay ? [] : ['falaj appview needs a relay: give --relay URL']),
        ]
        if (values.scope !== 'all') missing.push(...wrongMembers(values.members, scopeRule))
        if (missing.length > 0) throw new UsageError(...missing)
        const pdsHosts = values.pdsHosts.length > 0 ? values.pdsHosts : peers.urls('pds')
        const search = values.search ?? peers.url('search')
        const images = values.images ?? peers.url('images')
        return { ...values, plc, relay, pdsHosts, search, images }
      },
      async start(values, { dataDir, log, metrics, url }, { outside, peers, subscribe, version }) {
        const sql = await storage.openSqlite(join(dataDir, 'appview.sqlite'), {
          migrations: storage.loadMigrations(appviewMigrations),
        })
        const service = await createAppview(
          { ...values, relay: values.relay! },
          {
            publicUrl: url,
            moderation: () => peers.named('moderation'),
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

function wrongMembers(
  members: readonly string[],
  read: (members: readonly string[]) => unknown,
): string[] {
  if (members.length === 0)
    return [
      'this scope of falaj appview needs members: give --members DID, the URL of a host, or the AT-URI of a list',
    ]
  try {
    read(members)
    return []
  } catch (error) {
    return [(error as Error).message]
  }
}
