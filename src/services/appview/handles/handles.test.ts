import assert from 'node:assert/strict'
import { test } from 'node:test'
import { World } from '../world.test-support.ts'

const handleOf = async (world: World, actor: string) =>
  (await world.get('app.bsky.actor.getProfile', { actor })).handle

test('a handle is shown once both sides agree on it', async () => {
  const world = await new World().start()
  const ann = await world.member('ann')
  assert.equal(await handleOf(world, ann.did), 'ann.test')
  assert.equal(await handleOf(world, 'ann.test'), 'ann.test')
  assert.equal(await handleOf(world, 'ANN.test'), 'ann.test')
  await world.close()
})

test('a handle that names somebody else is not shown', async () => {
  const world = await new World().start()
  await world.member('ann')
  const eve = world.person('eve')
  eve.handle = 'ann.test'
  eve.profile({ displayName: 'Ann' })
  await world.settle()
  assert.equal(await handleOf(world, eve.did), 'handle.invalid')
  assert.equal(await handleOf(world, 'ann.test'), 'ann.test')
  await world.close()
})

test('an identity event has the handle looked up again', async () => {
  const world = await new World().start()
  const ann = await world.member('ann')
  ann.handle = 'anna.test'
  ann.identity()
  await world.settle()
  assert.equal(await handleOf(world, ann.did), 'anna.test')
  await world.close()
})

test('who takes over a handle has it, and who had it has not', async () => {
  const world = await new World().start()
  const ann = await world.member('ann')
  const ben = await world.member('ben')
  ann.handle = 'other.test'
  ben.handle = 'ann.test'
  ben.identity()
  await world.settle()
  assert.equal(await handleOf(world, ben.did), 'ann.test')
  assert.equal(await handleOf(world, ann.did), 'other.test')
  await world.close()
})

test('a directory that is down is asked again, and the handle known so far stays', async () => {
  const world = await new World().start()
  const ann = await world.member('ann')
  const document = ann.document
  ann.document = () => {
    throw new Error('down')
  }
  ann.handle = 'anna.test'
  ann.identity()
  await world.settle()
  assert.equal(await handleOf(world, ann.did), 'ann.test')
  ann.document = document
  await world.outside.advance(10_000)
  await world.settle()
  assert.equal(await handleOf(world, ann.did), 'anna.test')
  await world.close()
})

test('a handle whose host is down is shown as not verified until it answers', async () => {
  const world = await new World().start()
  world.isHostDown = true
  const ann = await world.member('ann')
  assert.equal(await handleOf(world, ann.did), 'handle.invalid')
  world.isHostDown = false
  await world.outside.advance(80_000)
  await world.settle()
  assert.equal(await handleOf(world, ann.did), 'ann.test')
  await world.close()
})

test('accounts that are only spoken of get their handles too', async () => {
  const world = await new World().start()
  const ann = await world.member('ann')
  const silent = world.person('silent')
  ann.follow(silent)
  await world.settle()
  const { follows } = await world.get('app.bsky.graph.getFollows', { actor: ann.did })
  assert.deepEqual(
    follows.map(({ handle }: { handle: string }) => handle),
    ['silent.test'],
  )
  await world.close()
})
