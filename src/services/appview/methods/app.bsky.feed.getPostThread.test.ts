import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createScene, HIDDEN, type Scene } from '../scene.test-support.ts'
import type { Ref } from '../world.test-support.ts'

const NSID = 'app.bsky.feed.getPostThread'
let scene: Scene
before(async () => {
  scene = await createScene()
})
after(() => scene.world.close())

// biome-ignore lint/suspicious/noExplicitAny: a thread nests
type Node = any
/** A thread's shape: texts, with answers in brackets; gaps by their type. */
function shape(node: Node): string {
  if (node.post === undefined) return node.$type.split('#')[1]
  const replies = node.replies?.map(shape) ?? []
  return replies.length === 0 ? node.post.record.text : `${node.post.record.text} [${replies}]`
}

test('a thread has its answers below, oldest first; who is hidden is not there, who is blocked is a gap', async () => {
  const { world, alice, post } = scene
  const { thread } = await world.get(NSID, { uri: post.uri }, alice)
  assert.equal(
    shape(thread),
    'the post [answer of carol.test,blockedPost,blockedPost,answer of stranger.test]',
  )
  const text = JSON.stringify(thread)
  for (const handle of HIDDEN) assert.ok(!text.includes(`"${handle}"`), handle)
})

test('without a viewer only who is hidden is missing', async () => {
  const { world, post } = scene
  const { thread } = await world.get(NSID, { uri: post.uri })
  assert.deepEqual(shape(thread).match(/blake|brook|gone/g), ['blake', 'brook'])
  assert.equal(thread.post.replyCount, 5)
})

test('an answer has what it answers above, to the height that was asked for', async () => {
  const { world, alice, carol, answer, post } = scene
  const second = carol.reply(answer, 'second', post)
  const third = carol.reply(second, 'third', post)
  await world.settle()
  const { thread } = await world.get(NSID, { uri: third.uri }, alice)
  assert.equal(thread.parent.post.record.text, 'second')
  assert.equal(thread.parent.parent.parent.post.record.text, 'the post')
  const low = await world.get(NSID, { uri: third.uri, parentHeight: 1 }, alice)
  assert.equal(low.thread.parent.post.record.text, 'second')
  assert.equal(low.thread.parent.parent, undefined)
  const flat = await world.get(NSID, { uri: post.uri, depth: 1 }, alice)
  assert.equal(flat.thread.replies[0].replies, undefined, 'below the depth nothing is claimed')
  const none = await world.get(NSID, { uri: post.uri, depth: 0 }, alice)
  assert.equal(none.thread.replies, undefined)
})

test('a parent that is gone, blocked or elsewhere is shown as what it is', async () => {
  const { world, alice, bob, blake, carol } = scene
  const base = bob.post('base')
  const gone = bob.reply(base, 'gone', base)
  const orphan = carol.reply(gone, 'orphan', base)
  const rude = blake.reply(base, 'rude', base)
  const below = carol.reply(rude, 'below rude', base)
  const other = carol.post('another thread')
  const stray = carol.reply(other, 'stray', base)
  bob.delete(gone)
  await world.settle()
  const parentOf = async ({ uri }: Ref) => (await world.get(NSID, { uri }, alice)).thread.parent
  assert.equal(shape(await parentOf(orphan)), 'notFoundPost')
  const blocked = await parentOf(below)
  assert.equal(shape(blocked), 'blockedPost')
  assert.match(blocked.author.viewer.blocking, /app\.bsky\.graph\.block/)
  assert.equal(await parentOf(stray), undefined)
})

test('a block between two others hides the one from the other', async () => {
  const { world, alice, bob, carol, stranger } = scene
  const base = bob.post('of bob')
  const answer = carol.reply(base, 'of carol')
  stranger.reply(answer, 'of stranger', base)
  stranger.block(carol)
  await world.settle()
  const { thread } = await world.get(NSID, { uri: base.uri }, alice)
  assert.equal(shape(thread), 'of bob [of carol]')
})

test('a threadgate shuts out whom it names not, also when it comes later or the follow does', async () => {
  const { world, alice, bob, carol, stranger } = scene
  const base = bob.post('gated, hello carol', {
    facets: [
      {
        index: { byteStart: 0, byteEnd: 5 },
        features: [{ $type: 'app.bsky.richtext.facet#mention', did: carol.did }],
      },
    ],
  })
  for (const [person, text] of [
    [carol, 'mentioned'],
    [stranger, 'not mentioned'],
    [bob, 'own'],
  ] as const) {
    await world.outside.advance(1_000)
    person.reply(base, text)
  }
  const gate = (allow: object[] | undefined) => ({ post: base.uri, createdAt: bob.now, allow })
  const rkey = base.uri.split('/').pop()!
  bob.create(
    'app.bsky.feed.threadgate',
    gate([{ $type: 'app.bsky.feed.threadgate#mentionRule' }]),
    rkey,
  )
  await world.settle()
  const read = async () => (await world.get(NSID, { uri: base.uri }, alice)).thread
  assert.equal(shape(await read()), 'gated, hello carol [mentioned,own]')
  assert.equal((await read()).post.viewer.replyDisabled, true)
  bob.update(
    'app.bsky.feed.threadgate',
    rkey,
    gate([{ $type: 'app.bsky.feed.threadgate#followerRule' }]),
  )
  await world.settle()
  assert.equal(shape(await read()), 'gated, hello carol [mentioned,not mentioned,own]')
  assert.equal((await read()).post.viewer.replyDisabled, undefined)
  bob.update('app.bsky.feed.threadgate', rkey, gate([]))
  await world.settle()
  const { thread, threadgate } = await world.get(NSID, { uri: base.uri }, alice)
  assert.equal(shape(thread), 'gated, hello carol [own]')
  assert.equal(threadgate.record.post, base.uri)
})

test('answers that run in a circle are read once', async () => {
  const { world, carol } = scene
  const root = carol.post('root')
  const [a, b] = [carol.nextRkey(), carol.nextRkey()]
  const uri = (rkey: string) => ({
    uri: `at://${carol.did}/app.bsky.feed.post/${rkey}`,
    cid: root.cid,
  })
  const reply = (parent: Ref) => ({ root, parent })
  const at = { createdAt: carol.now }
  carol.create('app.bsky.feed.post', { text: 'a', reply: reply(uri(b)), ...at }, a)
  carol.create('app.bsky.feed.post', { text: 'b', reply: reply(uri(a)), ...at }, b)
  await world.settle()
  const { thread } = await world.get(NSID, { uri: uri(a).uri, depth: 1000, parentHeight: 1000 })
  assert.equal(shape(thread), 'a [b]')
})

test('a post that is not there, or whose author is hidden, is NotFound', async () => {
  const { world, gone, alice, blake, bob } = scene
  assert.equal(
    await world.refused(NSID, { uri: `at://${bob.did}/app.bsky.feed.post/x` }),
    'NotFound',
  )
  assert.equal(
    await world.refused(NSID, { uri: `at://${bob.did}/app.bsky.feed.like/x` }),
    'NotFound',
  )
  const hidden = gone.post('hidden')
  const rude = blake.post('rude')
  await world.settle()
  assert.equal(await world.refused(NSID, { uri: hidden.uri }), 'NotFound')
  assert.equal(shape((await world.get(NSID, { uri: rude.uri }, alice)).thread), 'blockedPost')
  const byHandle = rude.uri.replace(blake.did, 'blake.test')
  assert.equal(shape((await world.get(NSID, { uri: byHandle })).thread), 'rude')
})

test('a long thread is cut, and its parts can be read', async () => {
  const { world, carol } = scene
  const root = carol.post('long')
  let last = root
  for (let i = 0; i < 120; i++) last = carol.reply(last, `${i}`, root)
  await world.settle()
  const { thread } = await world.get(NSID, { uri: last.uri, parentHeight: 100 })
  let height = 0
  for (let node = thread.parent; node; node = node.parent) height++
  assert.equal(height, 100)
  const deep = await world.get(NSID, { uri: root.uri, depth: 1000 })
  let depth = 0
  for (let node = deep.thread; node.replies?.length; node = node.replies[0]) depth++
  assert.equal(depth, 120)
})

test('a refusal says, too, up to which commit of the viewer is known', async () => {
  const { world, alice, bob } = scene
  const params = { uri: `at://${bob.did}/app.bsky.feed.post/x` }
  const response = await world.call('GET', NSID, { params, as: alice })
  assert.equal(response.status, 400)
  assert.equal(response.headers?.['atproto-repo-rev'], alice.head!.rev)
})
