/** A vault whose packs and blobs lie in a bucket that fails. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bucketWorld } from './bucket.test-support.ts'
import { textsOf } from './world.test-support.ts'

test('a bucket that is away holds up copies, and nothing else; what it lost is had again', async () => {
  const { world, bucket } = await bucketWorld()
  const ann = world.person('ann')
  ann.post('one')
  bucket.fault = () => new Response('<Error><Code>SlowDown</Code></Error>', { status: 503 })
  await world.start()
  await world.until(() => (world.metrics.value('jobs', 'copy', 'retried') ?? 0) > 0, 1_000)
  bucket.fault = undefined
  await world.until(async () => {
    const { body } = await world.get('getAccount', { did: ann.did })
    return body.state === 'kept' && body.rev === ann.head!.rev
  }, 10_000)
  bucket.fault = () => new Response('<Error><Code>SlowDown</Code></Error>', { status: 503 })
  ann.post('two')
  await world.caughtUp(ann)
  bucket.fault = undefined
  assert.deepEqual(textsOf(await world.repo(ann)), ['one', 'two'])

  bucket.objects.clear()
  const lost = await world.get('getRepo', { did: ann.did }).catch((error: Error) => error)
  assert.ok(lost instanceof Error || lost.body?.error === 'Damaged')
  await world.caughtUp(ann)
  assert.deepEqual(textsOf(await world.repo(ann)), ['one', 'two'])
  await world.close()
})
