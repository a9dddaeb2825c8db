/** A directory as a process of its own, to be killed: `node plc-child.test-support.ts DATABASE`. */
import { createMetrics, listen, realOutside, silentLog } from '#platform/runtime'
import { loadMigrations, openSqlite } from '#platform/storage'
import { createPlc, plcConfig, plcMigrations } from './index.ts'

const sql = await openSqlite(process.argv[2]!, {
  migrations: loadMigrations(plcMigrations),
  synchronous: 'FULL',
})
const deps = { outside: realOutside(), log: silentLog, metrics: createMetrics() }
const service = await createPlc(plcConfig.with({ limits: false }), { ...deps, sql })
const { url } = await listen(service, { ...deps, port: 0, loopbackOnly: true })
process.stdout.write(`${url}\n`)
