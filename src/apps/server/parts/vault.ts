import { join } from 'node:path'
import type { VaultConfig } from '#services/vault'
import { closing } from '../closing.ts'
import { directoriesOf } from '../directories.ts'
import { hostKey } from '../host-key.ts'
import { openBlobs } from '../open-blobs.ts'
import { type ServicePart, UsageError } from '../part.ts'

/** A vault: its database (fully synchronous), sealed packs and blobs in a folder or a bucket, and its key. */
export const vaultPart: ServicePart<VaultConfig> = {
  kind: 'vault',
  defaultPort: 2590,
  async load() {
    const [{ createVault, vaultConfig, vaultMigrations }, storage] = await Promise.all([
      import('#services/vault'),
      import('#platform/storage'),
    ])
    return {
      table: vaultConfig,
      wire(values, _place, { dev, peers }) {
        const plc = directoriesOf(values, peers)
        if (plc.length === 0) throw new UsageError('falaj vault needs a directory: give --plc URL')
        const followHost = values.followHost.length > 0 ? values.followHost : peers.urls('pds')
        const adminPassword = values.adminPassword ?? (dev ? 'admin-pass' : undefined)
        return { ...values, plc, followHost, adminPassword, openVault: values.openVault || dev }
      },
      async start(values, { dataDir, log, metrics, url }, { dev, outside, subscribe, version }) {
        const [sql, store] = await Promise.all([
          storage.openSqlite(join(dataDir, 'vault.sqlite'), {
            migrations: storage.loadMigrations(vaultMigrations),
            synchronous: 'FULL',
            cacheKb: 16 * 1024,
          }),
          openBlobs(values, storage, { dataDir, folder: join(dataDir, 'store') }),
        ])
        const service = await createVault(values, {
          publicUrl: url,
          sql,
          store,
          sealingKey: hostKey(join(dataDir, 'vault.key')),
          outside,
          subscribe,
          log,
          metrics,
          version,
          local: dev,
        })
        return { service: closing(service, [sql]), did: service.did }
      },
    }
  },
}
