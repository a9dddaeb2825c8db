import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  createMetrics,
  type Listening,
  listen,
  realOutside,
  type Service,
  silentLog,
} from '#platform/runtime'
import { loadMigrations, openSqlite } from '#platform/storage'
import type { PlcLogEntry } from '#protocol/identity'
import { createPlc, plcConfig, plcMigrations } from './index.ts'
import { type Reached, submitWrongOperations } from './wrong-operations.test-support.ts'

let service: Service
let listening: Listening
before(async () => {
  const sql = await openSqlite(':memory:', { migrations: loadMigrations(plcMigrations) })
  const deps = {
    outside: realOutside({ allowPrivate: true }),
    log: silentLog,
    metrics: createMetrics(),
  }
  service = await createPlc(plcConfig.with({ limits: false }), { ...deps, sql })
  listening = await listen(service, { ...deps, port: 0, loopbackOnly: true })
})
after(async () => {
  await listening.close()
  await service.close()
})

test('whatever is submitted over HTTP is accepted rightly, or refused with a 4xx that says why', async () => {
  const reached: Reached = {
    send: (did, body) =>
      fetch(`${listening.url}/${did}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      }),
    audit: async (did) =>
      (await (await fetch(`${listening.url}/${did}/log/audit`)).json()) as PlcLogEntry[],
  }
  const statuses = await submitWrongOperations(reached, { numRuns: 400 })
  // It would prove nothing if none came through, or all.
  assert.ok((statuses.get(200) ?? 0) > 20, 'enough of them are right')
  assert.ok((statuses.get(400) ?? 0) > 100, 'enough of them are wrong')
})
