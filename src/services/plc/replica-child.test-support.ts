/** A replica as a process of its own, to be killed: `node replica-child.test-support.ts DATABASE UPSTREAM`. */
import {
  createMetrics,
  listen,
  networkSubscribe,
  realOutside,
  silentLog,
  superviseLoops,
} from '#platform/runtime'
import { loadMigrations, openSqlite } from '#platform/storage'
import { createPlc, plcConfig, plcMigrations } from './index.ts'

const [path, upstream] = process.argv.slice(2) as [string, string]
const sql = await openSqlite(path, {
  migrations: loadMigrations(plcMigrations),
  synchronous: 'NORMAL',
})
const rules = { allowPrivate: true }
const deps = { outside: realOutside(rules), log: silentLog, metrics: createMetrics() }
const service = await createPlc(plcConfig.with({ replicaOf: upstream }), {
  ...deps,
  subscribe: networkSubscribe(rules),
  sql,
})
const { url } = await listen(service, { ...deps, port: 0, loopbackOnly: true })
superviseLoops(service.loops, deps)
process.stdout.write(`${url}\n`)
