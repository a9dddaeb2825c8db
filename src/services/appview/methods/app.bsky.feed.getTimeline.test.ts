import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createScene, HIDDEN, type Scene, textsOf } from '../scene.test-support.ts'

const NSID = 'app.bsky.feed.getTimeline'
let scene: Scene
before(async () => {
  scene = await createScene()
})
after(() => scene.world.close())

test('a timeline shows what the viewer and those it follows posted and reposted, newest first', async () => {
  const { world, alice, bob } = scene
  await world.outside.advance(1_000)
  alice.post('own')
  await world.settle()
  const { feed } = await world.get(NSID, {}, alice)
  assert.deepEqual(textsOf(feed), ['own', 'answer of carol.test', 'the post', 'the post'])
  const [, reply, repost, post] = feed
  assert.equal(reply.reply.parent.record.text, 'the post')
  assert.equal(reply.reply.root.author.handle, 'bob.test')
  assert.deepEqual(
    [repost.reason.$type, repost.reason.by.handle],
    ['app.bsky.feed.defs#reasonRepost', 'carol.test'],
  )
  assert.equal(post.reason, undefined)
  assert.match(post.post.author.viewer.following, new RegExp(`^at://${alice.did}/`))
  assert.equal(post.post.author.did, bob.did)
})

test('nothing of blocked, blocking or hidden accounts is in it', async () => {
  const { world, alice } = scene
  const text = JSON.stringify(await world.get(NSID, {}, alice))
  for (const handle of [...HIDDEN, 'stranger.test']) assert.ok(!text.includes(handle), handle)
})

test('an answer to somebody the viewer has a block with is left out', async () => {
  const { world, alice, carol, blake } = scene
  const rude = blake.post('rude')
  carol.reply(rude, 'answer to rude')
  carol.reply(carol.reply(rude, 'first'), 'below an answer to rude')
  await world.settle()
  const { feed } = await world.get(NSID, {}, alice)
  assert.ok(!textsOf(feed).some((text) => text.includes('rude')))
})

test('pages follow each other without a gap or a repetition, whatever their size', async () => {
  const { world, alice, carol } = scene
  for (let i = 0; i < 60; i++) {
    if (i % 4 === 0) await world.outside.advance(3)
    carol.post(`many ${i}`)
  }
  await world.settle()
  const { feed: whole } = await world.get(NSID, { limit: 100 }, alice)
  for (const limit of [1, 7, 50]) {
    const read: string[] = []
    let cursor: string | undefined
    do {
      const page = await world.get(NSID, { limit, ...(cursor && { cursor }) }, alice)
      assert.ok(page.feed.length <= limit)
      read.push(...page.feed.map((item: { post: { uri: string } }) => item.post.uri))
      cursor = page.cursor
    } while (cursor !== undefined)
    assert.deepEqual(
      read,
      whole.map((item: { post: { uri: string } }) => item.post.uri),
      `limit ${limit}`,
    )
  }
})

test('an unfollow takes effect at once, and so does a delete', async () => {
  const { world, bob } = scene
  const dora = await world.member('dora')
  const follow = dora.follow(bob)
  const post = bob.post('short lived')
  await world.settle()
  assert.ok(textsOf((await world.get(NSID, {}, dora)).feed).includes('short lived'))
  bob.delete(post)
  await world.settle()
  const { feed } = await world.get(NSID, {}, dora)
  assert.ok(feed.length > 0 && !textsOf(feed).includes('short lived'))
  dora.delete(follow)
  await world.settle()
  assert.deepEqual((await world.get(NSID, {}, dora)).feed, [])
})

test('it takes a viewer, whom the index need not know', async () => {
  const { world } = scene
  assert.equal(await world.refused(NSID), 'AuthMissing')
  const nobody = world.person('nobody')
  assert.deepEqual(await world.get(NSID, {}, nobody), { feed: [] })
})

test('a malformed cursor and a limit out of range are refused', async () => {
  const { world, alice } = scene
  const wrong: Record<string, string | number>[] = [
    { cursor: 'x' },
    { cursor: '1:2' },
    { limit: 0 },
    { limit: 101 },
  ]
  for (const params of wrong)
    assert.equal(await world.refused(NSID, params, alice), 'InvalidRequest')
})

test('the answer says up to which commit of the viewer it knows', async () => {
  const { world, alice } = scene
  const response = await world.call('GET', NSID, { as: alice })
  assert.equal(response.headers?.['atproto-repo-rev'], alice.head!.rev)
})
