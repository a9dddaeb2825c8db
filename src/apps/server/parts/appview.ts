import { join } from 'node:path'
import type { Log, Metrics } from '#platform/runtime'
import type { Migration, Sql } from '#platform/storage'
import type { AppviewConfig } from '#services/appview'
import { closing } from '../closing.ts'
import { directoriesOf } from '../directories.ts'
import { hostKey } from '../host-key.ts'
import { indexFiles } from '../index-files.ts'
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
      wire(values, _place, { dev, peers }) {
        const plc = directoriesOf(values, peers)
        // A single host speaks the same stream as a relay of all.
        const relay = values.relay ?? peers.url('relay') ?? peers.url('pds')
        const missing = [
          ...(plc.length > 0 ? [] : ['falaj appview needs a directory: give --plc URL']),
          ...(relay ? [] : ['falaj appview needs a relay: give --relay URL']),
        ]
        if (values.database !== undefined && !/^postgres(ql)?:\/\//.test(values.database))
          missing.push('--database of falaj appview must be a postgres:// URL')
        if (values.scope !== 'all') missing.push(...wrongMembers(values.members, scopeRule))
        if (missing.length > 0) throw new UsageError(...missing)
        const pdsHosts = values.pdsHosts.length > 0 ? values.pdsHosts : peers.urls('pds')
        const search = values.search ?? peers.url('search')
        const images = values.images ?? peers.url('images')
        const adminPassword = values.adminPassword ?? (dev ? 'admin-pass' : undefined)
        return { ...values, plc, relay, pdsHosts, search, images, adminPassword }
      },
      async start(values, { dataDir, log, metrics, url }, { outside, peers, subscribe, version }) {
        const migrations = storage.loadMigrations(appviewMigrations)
        const files = values.database === undefined && indexFiles(dataDir, { migrations })
        const sql = files
          ? await files.open(files.current)
          : await openServer(values, { storage, migrations, metrics, log })
        const service = await createAppview(
          { ...values, relay: values.relay! },
          {
            publicUrl: url,
            moderation: () => peers.named('moderation'),
            sql,
            ...(files && { files }),
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

/** The index on a server. Its connections come and go, and that is counted. */
function openServer(
  { database, databaseReaders }: AppviewConfig,
  parts: {
    storage: typeof import('#platform/storage')
    migrations: readonly Migration[]
    metrics: Metrics
    log: Log
  },
): Promise<Sql> {
  const lost = parts.metrics.counter(
    'appview_database_connections_lost',
    'Connections to the database that ended by themselves',
  )
  return parts.storage.openPostgres({
    url: database!,
    migrations: parts.migrations,
    readers: databaseReaders,
    exclusive: true,
    onError(error) {
      lost.add()
      parts.log.warn('a connection to the database is lost', { error })
    },
  })
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
