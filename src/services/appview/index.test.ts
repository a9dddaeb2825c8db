import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { jobsTableSql } from '#platform/runtime'
import { methods } from './methods.ts'
import type { ReadParts } from './parts.ts'
import { World } from './world.test-support.ts'

test('an app view makes itself an identity once, and keeps it sealed', async () => {
  const world = await new World().start()
  const { did } = world.appview
  assert.match(did, /^did:plc:[a-z2-7]{24}$/)
  await world.stop()
  await world.start()
  assert.equal(world.appview.did, did)
  const row = await world.sql.get<{ value: string }>('select value from setting')
  assert.ok(!Buffer.from(row!.value, 'hex').includes('KeyHex'))
  await world.close()
})

test('it answers its health, says what it is, and knows nothing else', async () => {
  const world = await new World().start()
  const health = await world.fetch('/xrpc/_health')
  assert.deepEqual(JSON.parse(health.body as string), { version: '0.0.0' })
  assert.match((await world.fetch('/')).body as string, /app view/)
  assert.equal((await world.fetch('/elsewhere')).status, 404)
  assert.equal((await world.fetch('/xrpc/com.atproto.repo.createRecord')).status, 501)
  await world.close()
})

test('the jobs table is the one that jobs expect', () => {
  const own = readFileSync(new URL('./migrations/0003-jobs.sql', import.meta.url), 'utf8')
  assert.equal(own.trim(), jobsTableSql.trim())
})

test('every method is declared once, in a file of its name', () => {
  const parts = new Proxy({}, { get: () => ({}) }) as ReadParts
  const nsids = methods(parts).map((method) => method.nsid)
  assert.equal(new Set(nsids).size, nsids.length)
  for (const nsid of nsids) readFileSync(new URL(`./methods/${nsid}.ts`, import.meta.url))
})

test('reads go on while much is being indexed', async () => {
  const world = await new World().start()
  const ann = await world.member('ann')
  for (let i = 0; i < 600; i++) ann.post(`post ${i}`)
  let during = 0
  let isIndexed = false
  const indexing = world.settle().then(() => {
    isIndexed = true
  })
  while (!isIndexed) {
    await new Promise((resolve) => setImmediate(resolve))
    const { postsCount } = await world.get('app.bsky.actor.getProfile', { actor: ann.did })
    if (postsCount > 0 && postsCount < 600) during++
  }
  assert.ok(during > 0, 'some read came between two batches')
  await indexing
  await world.close()
})
