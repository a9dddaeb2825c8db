import type { PlcConfig } from '#services/plc'
import type { ServicePart } from '../part.ts'

/**
 * The identity directory: one SQLite file, fully synchronous, because identities must not be lost.
 * A replica can be made again from its upstream: its file need only be whole. In `falaj up` it stands
 * beside the network's own directory, and is asked after it.
 */
export const plcPart: ServicePart<PlcConfig> = {
  kind: 'plc',
  defaultPort: 2582,
  portStep: 20,
  copies: (values) =>
    values.replicaOf === undefined ? [values] : [{ ...values, replicaOf: undefined }, values],
  async load() {
    const [{ createPlc, plcConfig, plcMigrations }, { loadMigrations, openSqlite }] =
      await Promise.all([import('#services/plc'), import('#platform/storage')])
    return {
      table: plcConfig,
      wire: (values, _place, { dev }) => (dev ? { ...values, limits: false } : values),
      async start(values, place, { outside, subscribe, version }) {
        const sql = await openSqlite(`${place.dataDir}/plc.sqlite`, {
          migrations: loadMigrations(plcMigrations),
          synchronous: values.replicaOf === undefined ? 'FULL' : 'NORMAL',
        })
        const { log, metrics } = place
        const deps = { outside, subscribe, log, metrics, sql, version }
        return { service: await createPlc(values, deps) }
      },
    }
  },
}
