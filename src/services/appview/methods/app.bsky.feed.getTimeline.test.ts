import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { World } from '../world.test-support.ts'

const NSID = 'app.bsky.feed.getTimeline'
let world: World
before(async () => void (world = await new World().start()))
after(() => world.close())

test('a timeline shows own posts and those of followed accounts, newest first', async () => {
  const alice = await world.member('alice')
  const bob = await world.member('bob')
  const carol = await world.member('carol')
  alice.follow(bob)
  await world.outside.advance(10)
  bob.post('from bob')
  await world.outside.advance(10)
  carol.post('from carol')
  await world.outside.advance(10)
  alice.post('from alice')
  await world.settle()
  const { feed } = await world.get(NSID, {}, alice)
  assert.deepEqual(
    feed.map((item: { post: { record: { text: string } } }) => item.post.record.text),
    ['from alice', 'from bob'],
  )
})
