/** A replica in this process beside a directory, for the tests of this room. */
import { createMetrics, type Metrics, silentLog, superviseLoops } from '#platform/runtime'
import { loadMigrations, openSqlite, type Sql } from '#platform/storage'
import { createPlc, type PlcConfig, plcConfig, plcMigrations } from './index.ts'
import { type TestPlc, origin as upstream } from './plc.test-support.ts'

export const replicaOrigin = 'http://localhost:2602'

export interface TestReplica {
  metrics: Metrics
  sql: Sql
  get(path: string): Promise<Response>
  json<T = unknown>(path: string): Promise<T>
  post(did: string, body: unknown): Promise<{ status: number; text: string }>
  status(): Promise<{ state: string; seq: number; held: number; problem?: string }>
  /** Lets it run until its status is so; fails after many turns. */
  until(is: (status: { state: string; seq: number }) => boolean): Promise<void>
  close(): Promise<void>
}

/** Follows the directory `plc` (or whoever answers at its origin in the same transport). */
export async function startReplica(
  plc: Pick<TestPlc, 'outside' | 'transport'>,
  options: { path?: string; config?: Partial<PlcConfig> } = {},
): Promise<TestReplica> {
  const { outside, transport } = plc
  const metrics = createMetrics()
  const sql = await openSqlite(options.path ?? ':memory:', {
    migrations: loadMigrations(plcMigrations),
    synchronous: 'NORMAL',
  })
  const config = plcConfig.with({ replicaOf: upstream, ...options.config })
  const there = { ...outside, fetch: transport.fetch, now: outside.now }
  const { subscribe } = transport
  const deps = { outside: there, subscribe, log: silentLog, metrics, sql }
  const service = await createPlc(config, deps).catch(async (error) => {
    await sql.close()
    throw error
  })
  const remove = transport.add(replicaOrigin, service)
  const loops = superviseLoops(service.loops, { outside, log: silentLog, metrics })
  const get = (path: string) => transport.fetch(`${replicaOrigin}${path}`)
  const json = async <T>(path: string) => (await (await get(path)).json()) as T
  const status = () =>
    json<{ state: string; seq: number; held: number; problem?: string }>('/_replica')
  return {
    metrics,
    sql,
    get,
    json,
    status,
    async post(did, body) {
      const response = await transport.fetch(`${replicaOrigin}/${did}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      return { status: response.status, text: await response.text() }
    },
    async until(is) {
      for (let turn = 0; turn < TURNS; turn++) {
        const now = await status()
        if (is(now)) return
        await outside.advance(STEP_MS)
      }
      throw new Error(`it stays ${JSON.stringify(await status())}`)
    },
    async close() {
      await loops.stop()
      remove()
      await service.close()
    },
  }
}

const TURNS = 2_000
const STEP_MS = 50
