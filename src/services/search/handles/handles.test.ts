import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Scene } from '../scene.test-support.ts'

test('an identity event has the handle looked up again, at the directory, not in the event', async () => {
  const scene = await new Scene().start()
  const ann = scene.writer('ann')
  ann.profile({ displayName: 'Somebody' })
  await scene.settle()
  assert.deepEqual(await scene.actors('ann.test'), ['ann.test'])
  ann.handle = 'anna.test'
  ann.identity()
  await scene.settle()
  assert.deepEqual(await scene.actors('ann.test'), [])
  assert.deepEqual(await scene.actors('liar.test'), [])
  assert.deepEqual(await scene.actors('anna.test'), ['anna.test'])
  assert.deepEqual(await scene.actors('somebody'), ['anna.test'])
  await scene.close()
})

test('a directory that is down is asked again later, less and less often', async () => {
  const scene = await new Scene().start()
  scene.isDirectoryDown = true
  const ann = scene.writer('ann')
  ann.profile({ displayName: 'Somebody' })
  await scene.settle()
  assert.deepEqual(await scene.actors('somebody'), ['ann.test'])
  assert.deepEqual(await scene.actors('ann.test'), [])
  const asked = scene.lookups
  await scene.outside.advance(600_000)
  assert.ok(scene.lookups > asked && scene.lookups < asked + 12, `${scene.lookups - asked} times`)
  scene.isDirectoryDown = false
  await scene.outside.advance(1_200_000)
  await scene.settle()
  assert.deepEqual(await scene.actors('ann.test'), ['ann.test'])
  await scene.close()
})

test('an account nobody has heard of is looked up once, and again only after an event', async () => {
  const scene = await new Scene().start()
  const ann = scene.writer('ann')
  for (let i = 0; i < 10; i++) ann.post(`post ${i}`)
  await scene.settle()
  assert.equal(scene.lookups, 1)
  await scene.outside.advance(86_400_000)
  assert.equal(scene.lookups, 1)
  ann.identity()
  await scene.settle()
  assert.equal(scene.lookups, 2)
  await scene.close()
})

test('what was due when the process ended is looked up by the next one', async () => {
  const scene = await new Scene().start()
  scene.isDirectoryDown = true
  scene.writer('ann').post('hello')
  await scene.settle()
  await scene.stop()
  scene.isDirectoryDown = false
  await scene.start()
  await scene.outside.advance(20_000)
  await scene.settle()
  assert.deepEqual(await scene.actors('ann.test'), ['ann.test'])
  await scene.close()
})
