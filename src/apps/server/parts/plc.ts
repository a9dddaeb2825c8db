import type { PlcConfig } from '#services/plc'
import type { ServicePart } from '../part.ts'

/** The identity directory: one SQLite file, fully synchronous, because identities must not be lost. */
export const plcPart: ServicePart<PlcConfig> = {
  kind: 'plc',
  defaultPort: 2582,
  async load() {
    const [{ createPlc, plcConfig, plcMigrations }, { loadMigrations, openSqlite }] =
      await Promise.all([import('#services/plc'), import('#platform/storage')])
    return {
      table: plcConfig,
      wire: (values, _place, { dev }) => (dev ? { ...values, limits: false } : values),
      async start(values, place, { outside, version }) {
        const sql = await openSqlite(`${place.dataDir}/plc.sqlite`, {
          migrations: loadMigrations(plcMigrations),
          synchronous: 'FULL',
        })
        const { log, metrics } = place
        return { service: await createPlc(values, { outside, log, metrics, sql, version }) }
      },
    }
  },
}
