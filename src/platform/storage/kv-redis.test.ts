import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Kv } from './contracts.ts'
import { kvConformance } from './kv.conformance.ts'
import { kvWithFallback } from './kv-fallback.ts'
import { memoryKv } from './kv-memory.ts'
import { openRedisKv } from './kv-redis.ts'
import { FakeRedis } from './redis.test-support.ts'

const timers = {
  setTimeout: (run: () => void, ms: number) => setTimeout(run, ms),
  clearTimeout: (handle: unknown) => clearTimeout(handle as NodeJS.Timeout),
}

/** Waits, without a clock of its own, until the connection is there. */
async function answering(kv: Kv): Promise<Kv> {
  for (;;) {
    const failed = await kv.get('is it there').then(
      () => false,
      () => true,
    )
    if (!failed) return kv
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

const open = (url: string, errors: Error[] = []) =>
  openRedisKv({ url, prefix: 'test:', onError: (error) => errors.push(error) })

describe('a shared store', () => {
  let redis: FakeRedis
  before(async () => {
    redis = await FakeRedis.start()
  })
  after(() => redis.stop())

  kvConformance('a server that speaks the Redis protocol', async () => {
    redis.clear()
    const pass = async (ms: number) => void (redis.nowMs += ms)
    return { kv: await answering(await open(redis.url)), pass, slackMs: 0, runs: 30 }
  })

  test('is used under a prefix, so that others may use the same server', async () => {
    const ours = await answering(await open(redis.url))
    const theirs = await answering(
      await openRedisKv({ url: redis.url, prefix: 'theirs:', onError() {} }),
    )
    await ours.set('k', 'ours')
    assert.equal(await theirs.get('k'), undefined)
    await ours.close()
    await theirs.close()
  })

  test('that is away is told of, and refuses at once', async () => {
    const gone = await FakeRedis.start()
    await gone.stop()
    const errors: Error[] = []
    const kv = await open(gone.url, errors)
    await assert.rejects(kv.get('k'), { code: 'Unavailable' })
    await assert.rejects(kv.increment('n', 1, 1000), { code: 'Unavailable' })
    while (errors.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    await kv.close()
  })

  test('is found again after its connections were cut', async () => {
    const kv = await answering(await open(redis.url))
    await kv.set('kept', 'yes')
    redis.cut()
    assert.equal(await (await answering(kv)).get('kept'), 'yes')
    await kv.close()
  })
})

describe('a store with a fallback', () => {
  const build = async (url: string, timeoutMs: number) => {
    const shared = await open(url)
    const local = memoryKv({ now: () => 0 })
    return { shared, kv: kvWithFallback({ shared, local, timeoutMs, timers }) }
  }

  test('counts here while the server is away, and there again when it is back', async () => {
    const redis = await FakeRedis.start()
    const { shared, kv } = await build(redis.url, 5_000)
    await answering(shared)
    assert.equal((await kv.increment('n', 1, 1000)).sum, 1)
    const port = Number(new URL(redis.url).port)
    await redis.stop()
    assert.equal((await kv.increment('n', 1, 1000)).sum, 1)
    assert.equal((await kv.increment('n', 1, 1000)).sum, 2)
    const back = await FakeRedis.start(port)
    await answering(shared)
    assert.equal((await kv.increment('n', 5, 1000)).sum, 5)
    await kv.close()
    await back.stop()
  })

  test('does not wait for a server that takes calls and answers none', async () => {
    const redis = await FakeRedis.start()
    const { shared, kv } = await build(redis.url, 20)
    await answering(shared)
    redis.isSilent = true
    assert.equal((await kv.increment('n', 3, 1000)).sum, 3)
    assert.equal(await kv.get('n'), '3')
    await kv.close()
    await redis.stop()
  })

  test('passes on what is the fault of the caller', async () => {
    const redis = await FakeRedis.start()
    const { shared, kv } = await build(redis.url, 5_000)
    await answering(shared)
    await kv.set('k', 'word')
    await assert.rejects(kv.increment('k', 1, 1000), { code: 'InvalidArgument' })
    await kv.close()
    await redis.stop()
  })
})
