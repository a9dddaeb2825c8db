/** Rows of moves at a store that takes nothing for a while. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sealer } from '#platform/runtime'
import { loadMigrations, openSqlite, type Sql } from '#platform/storage'
import { pdsMigrations } from '../index.ts'
import { MoveRows } from './move-rows.ts'

test('what stands in the way is seen while the disk is full, and what is there again is seen after', async () => {
  const sql = await openSqlite(':memory:', { migrations: loadMigrations(pdsMigrations) })
  let isFull = false
  const full = {
    get: (...call: Parameters<Sql['get']>) => sql.get(...call),
    run: (...call: Parameters<Sql['run']>) =>
      isFull ? Promise.reject(new Error('database or disk is full')) : sql.run(...call),
  } as Sql
  const rows = new MoveRows({ sql: full, sealer: sealer(new Uint8Array(32)), now: () => 1 })
  const who = { did: 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa', handle: 'alice.test' } as const
  await rows.add({
    id: 'one',
    ...who,
    source: 'https://old.test',
    fleet: undefined,
    shown: { step: 'repo' },
  })
  isFull = true
  const problem = 'database or disk is full'
  const seen = async () => (await rows.get('one'))!
  for (const shown of [{ step: 'repo' as const }, { step: 'repo' as const, problem }]) {
    const { version } = await seen()
    const next = rows.next('one', new AbortController().signal)
    await assert.rejects(rows.change('one', { shown }))
    await next
    assert.ok((await seen()).version > version)
  }
  // Tried again, it is not shown as if nothing were wrong.
  await assert.rejects(rows.change('one', { shown: { step: 'repo' } }))
  assert.equal((await seen()).shown.problem, problem)
  isFull = false
  await rows.change('one', { shown: { step: 'blobs' } })
  assert.deepEqual((await seen()).shown, { step: 'blobs' })
  await sql.close()
})
