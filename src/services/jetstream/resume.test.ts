import assert from 'node:assert/strict'
import { readdirSync, readFileSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { Did } from '#protocol/syntax'
import { type FakeRelay, type TestJetstream, World } from './jetstream.test-support.ts'

const alice: Did = `did:plc:${'a'.repeat(24)}`
const post = 'app.bsky.feed.post'
const like = 'app.bsky.feed.like'

let world: World
let relay: FakeRelay
let jetstream: TestJetstream

beforeEach(async () => {
  world = new World()
  relay = world.relay
  jetstream = await world.jetstream()
})
afterEach(() => world.close())

async function all(count: number): Promise<string[]> {
  const follower = jetstream.follow('cursor=0')
  const what = () => `${count} events, of ${follower.heard.length}`
  await world.until(() => follower.heard.length >= count, what())
  await world.outside.advance(500)
  follower.stop()
  return follower.paths
}

async function restart(folder: string): Promise<void> {
  await jetstream.stop()
  jetstream = await world.jetstream({ folder })
}

test('after a stop the relay is read on from the last event that was kept', async () => {
  const paths = Array.from({ length: 30 }, () => relay.commit(alice, [post, like])).flat()
  await all(60)
  await restart(jetstream.folder)
  paths.push(...relay.commit(alice, [post]))
  assert.deepEqual(await all(61), paths)
  assert.deepEqual(relay.cursors, [0, 30])
})

test('a kill at any time loses nothing and doubles nothing', async () => {
  const paths: string[] = []
  relay.batchMax = 3
  for (let kill = 0; kill < 15; kill++) {
    for (let i = 0; i < 10; i++) paths.push(...relay.commit(alice, [post, like, post]))
    const target = (kill % 5) * 7
    await world.until(() => jetstream.count('#commit', 'accepted') >= target)
    await restart(jetstream.image())
  }
  assert.deepEqual(await all(paths.length), paths)
})

test('a power cut in the middle of an append loses nothing and doubles nothing', async () => {
  const paths: string[] = []
  for (let cut = 0; cut < 8; cut++) {
    for (let i = 0; i < 10; i++) paths.push(...relay.commit(alice, [post, like]))
    await all(paths.length)
    const folder = jetstream.image()
    // What was written last, and perhaps not synced, is torn off.
    const segments = join(folder, 'events')
    const newest = readdirSync(segments).toSorted().at(-1)!
    const path = join(segments, newest)
    const written = readFileSync(path).findLastIndex((byte) => byte !== 0)
    truncateSync(path, written - cut * 137)
    await restart(folder)
    assert.deepEqual(await all(paths.length), paths)
  }
})

describe('a relay that', () => {
  test('goes away is read on from where it stopped', async () => {
    const paths = relay.commit(alice, [post])
    await all(1)
    relay.hangUp()
    paths.push(...relay.commit(alice, [post]))
    assert.deepEqual(await all(2), paths)
    assert.deepEqual(relay.cursors, [0, 1])
  })

  test('is killed while what it said is not durable yet is not asked for it again', async () => {
    await jetstream.stop()
    const disk = Promise.withResolvers<void>()
    jetstream = await world.jetstream({ disk: disk.promise })
    const paths = relay.commit(alice, [post, like])
    await world.until(() => jetstream.count('#commit', 'accepted') === 2)
    relay.breakOff()
    await world.outside.advance(5_000)
    disk.resolve()
    paths.push(...relay.commit(alice, [post]))
    assert.deepEqual(await all(3), paths)
    assert.deepEqual(relay.cursors, [0, 0, 1])
  })

  test('was set back is read from its start', async () => {
    for (let i = 0; i < 5; i++) relay.commit(alice, [post])
    await all(5)
    relay.frames.length = 0
    relay.hangUp()
    const [path] = relay.commit(alice, [like])
    assert.equal((await all(6)).at(-1), path)
    assert.deepEqual(relay.cursors, [0, 5, 0])
    await restart(jetstream.folder)
    await world.until(() => relay.cursors.at(-1) === 1)
  })
})

test('what is older than configured is dropped, but never the place to read on from', async () => {
  await jetstream.stop()
  const options = { config: { retentionHours: 1 }, segmentBytes: 4_096 }
  jetstream = await world.jetstream(options)
  for (let i = 1; i <= 60; i++) {
    relay.commit(alice, [post])
    if (i % 15 === 0) await all(i)
  }
  for (let hour = 0; hour < 4; hour++) {
    await world.outside.advance(3_600_000)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const left = (await all(1)).length
  assert.ok(left < 60, `${left} are left`)
  const { folder } = jetstream
  await jetstream.stop()
  jetstream = await world.jetstream({ ...options, folder })
  await world.until(() => relay.cursors.at(-1) === 60)
})
