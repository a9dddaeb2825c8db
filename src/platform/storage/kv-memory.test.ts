import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kvConformance } from './kv.conformance.ts'
import { memoryKv } from './kv-memory.ts'

kvConformance('this process', async () => {
  let nowMs = 1_000_000
  const pass = async (ms: number) => void (nowMs += ms)
  return { kv: memoryKv({ now: () => nowMs }), pass, slackMs: 0, runs: 100 }
})

test('beyond its bound the value unused for longest goes', async () => {
  const kv = memoryKv({ now: () => 0, maxEntries: 3 })
  for (const key of ['a', 'b', 'c']) await kv.set(key, key)
  await kv.get('a')
  await kv.set('d', 'd')
  const found = await Promise.all(['a', 'b', 'c', 'd'].map((key) => kv.get(key)))
  assert.deepEqual(found, ['a', undefined, 'c', 'd'])
})

test('replacing values never drops others', async () => {
  const kv = memoryKv({ now: () => 0, maxEntries: 2 })
  await kv.set('a', '1')
  await kv.set('b', '1')
  for (let turn = 0; turn < 10; turn++) await kv.set('b', `${turn}`)
  assert.equal(await kv.get('a'), '1')
})
