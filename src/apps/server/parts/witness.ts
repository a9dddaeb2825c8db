import { join } from 'node:path'
import type { WitnessConfig } from '#services/vault'
import { closing } from '../closing.ts'
import { type ServicePart, UsageError } from '../part.ts'

/** A witness of leases, alone: a database of a few rows, fully synchronous. */
export const witnessPart: ServicePart<WitnessConfig> = {
  kind: 'witness',
  defaultPort: 2591,
  apart: true,
  async load() {
    const [{ createWitness, vaultMigrations, witnessConfig }, storage] = await Promise.all([
      import('#services/vault'),
      import('#platform/storage'),
    ])
    return {
      table: witnessConfig,
      wire(values) {
        if (values.leaseSecrets.length === 0) {
          throw new UsageError('falaj witness needs --lease-secrets HOSTNAME=SECRET')
        }
        return values
      },
      async start(values, { dataDir, log }, { outside, version }) {
        const sql = await storage.openSqlite(join(dataDir, 'witness.sqlite'), {
          migrations: storage.loadMigrations(vaultMigrations),
          synchronous: 'FULL',
        })
        return { service: closing(createWitness(values, { sql, outside, log, version }), [sql]) }
      },
    }
  },
}
