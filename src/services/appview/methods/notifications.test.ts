import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { type Person, World } from '../world.test-support.ts'

const LIST = 'app.bsky.notification.listNotifications'
const COUNT = 'app.bsky.notification.getUnreadCount'
let world: World
let ann: Person
let ben: Person
let cat: Person
beforeEach(async () => {
  world = await new World().start()
  ann = await world.member('ann')
  ben = await world.member('ben')
  cat = await world.member('cat')
})
afterEach(() => world.close())

interface Notification {
  reason: string
  author: { handle: string }
  uri: string
  reasonSubject?: string
  record: { $type: string; text?: string }
  isRead: boolean
}
async function list(params: Record<string, string | number | boolean | string[]> = {}, as = ann) {
  await world.settle()
  return (await world.get(LIST, params, as)).notifications as Notification[]
}
const short = ({ reason, author }: Notification) => `${reason} ${author.handle}`
const tick = () => world.outside.advance(1_000)
const mention = (person: Person) => ({
  facets: [
    {
      index: { byteStart: 0, byteEnd: 1 },
      features: [{ $type: 'app.bsky.richtext.facet#mention', did: person.did }],
    },
  ],
})

test('each thing that concerns an account is told once, newest first, with its record', async () => {
  const post = ann.post('mine')
  await tick()
  const like = ben.like(post)
  await tick()
  ben.repost(post)
  await tick()
  ben.follow(ann)
  await tick()
  ben.post('@', mention(ann))
  await tick()
  ben.reply(post, 'reply')
  await tick()
  const quote = ben.quote(post, 'quote')
  const all = await list()
  assert.deepEqual(
    all.map(({ reason }) => reason),
    ['quote', 'reply', 'mention', 'follow', 'repost', 'like'],
  )
  assert.deepEqual(
    [all[0]!.uri, all[0]!.record.text, all[0]!.reasonSubject],
    [quote.uri, 'quote', post.uri],
  )
  assert.deepEqual(all[5]!.record, {
    $type: 'app.bsky.feed.like',
    subject: { cid: post.cid, uri: post.uri },
    createdAt: (all[5]!.record as { createdAt?: string }).createdAt,
  })
  assert.deepEqual([all[5]!.uri, all[5]!.reasonSubject], [like.uri, post.uri])
  assert.equal(all[3]!.record.$type, 'app.bsky.graph.follow')
})

test('records that say more than their columns are told as they are', async () => {
  const post = ann.post('mine')
  const via = { uri: post.uri, cid: post.cid }
  ben.create('app.bsky.feed.like', { subject: post, createdAt: ben.now, via })
  const [like] = await list()
  assert.deepEqual((like!.record as { via?: object }).via, via)
})

test('nobody is told of their own doings, nor twice of one post', async () => {
  const post = ann.post('mine')
  ann.like(post)
  ann.reply(post, 'me too')
  ann.quote(post, 'look')
  assert.deepEqual(await list(), [])
  await tick()
  ben.post('@', { ...mention(ann), reply: { root: post, parent: post } })
  assert.deepEqual((await list()).map(short), ['mention ben.test'])
})

test('an answer is told to those above it, four posts up and no further', async () => {
  const people = await Promise.all(['p1', 'p2', 'p3', 'p4'].map((name) => world.member(`${name}x`)))
  const root = ann.post('root')
  let last = root
  for (const person of people) {
    await tick()
    last = person.reply(last, 'deeper', root)
  }
  const texts = async (as: Person) => (await list({}, as)).length
  assert.equal(await texts(ann), 4)
  await tick()
  ben.reply(last, 'fifth', root)
  assert.equal(await texts(ann), 4)
  assert.equal(await texts(people[0]!), 4)
})

test('what is taken back is no longer told', async () => {
  const post = ann.post('mine')
  const refs = [
    ben.like(post),
    ben.repost(post),
    ben.follow(ann),
    ben.reply(post, 'r'),
    ben.quote(post, 'q'),
  ]
  assert.equal((await list()).length, 5)
  for (const ref of refs) ben.delete(ref)
  assert.deepEqual(await list(), [])
  assert.equal((await world.get(COUNT, {}, ann)).count, 0)
})

test('what was told of a post goes with the post', async () => {
  const post = ann.post('mine')
  ben.like(post)
  ben.repost(post)
  await list()
  ann.delete(post)
  assert.deepEqual(await list(), [])
})

test('blocked and hidden accounts are not heard, nor counted', async () => {
  const post = ann.post('mine')
  ben.like(post)
  cat.like(post)
  const block = ann.block(ben)
  assert.deepEqual((await list()).map(short), ['like cat.test'])
  assert.equal((await world.get(COUNT, {}, ann)).count, 1)
  ann.delete(block)
  cat.account('takendown')
  assert.deepEqual((await list()).map(short), ['like ben.test'])
  assert.equal((await world.get(COUNT, {}, ann)).count, 1)
})

test('a hidden reply, and one the gate shuts out, are not told to the owner of the thread', async () => {
  const post = ann.post('mine')
  const reply = ben.reply(post, 'hide me')
  cat.reply(post, 'keep me')
  const rkey = post.uri.split('/').pop()!
  const gate = { post: post.uri, createdAt: ann.now }
  ann.create('app.bsky.feed.threadgate', { ...gate, hiddenReplies: [reply.uri] }, rkey)
  assert.deepEqual((await list()).map(short), ['reply cat.test'])
  ann.update('app.bsky.feed.threadgate', rkey, { ...gate, allow: [] })
  assert.deepEqual(await list(), [])
})

test('reasons and priority pick, and pages follow each other', async () => {
  const post = ann.post('mine')
  ann.follow(cat)
  for (const person of [ben, cat]) {
    person.like(post)
    person.repost(post)
    person.reply(post, 'r')
    await tick()
  }
  assert.deepEqual((await list({ reasons: ['like'] })).map(short), [
    'like cat.test',
    'like ben.test',
  ])
  assert.deepEqual(await list({ reasons: ['nonsense'] }), [])
  const priority = await list({ priority: true })
  assert.deepEqual(new Set(priority.map(({ author }) => author.handle)), new Set(['cat.test']))
  assert.equal((await world.get(COUNT, { priority: true }, ann)).count, 3)
  const whole = await list()
  const read: string[] = []
  for (let cursor: string | undefined = ''; cursor !== undefined; ) {
    const page = await world.get(LIST, { limit: 1, ...(cursor && { cursor }) }, ann)
    read.push(...page.notifications.map(short))
    cursor = page.cursor
  }
  assert.deepEqual(read, whole.map(short))
})

test('what was seen is read, and no longer counted', async () => {
  const post = ann.post('mine')
  ben.like(post)
  await tick()
  assert.deepEqual(
    (await list()).map(({ isRead }) => isRead),
    [false],
  )
  assert.equal((await world.get(COUNT, {}, ann)).count, 1)
  const response = await world.post('app.bsky.notification.updateSeen', { seenAt: ann.now }, ann)
  assert.equal(response.status, 200)
  assert.equal((await world.get(COUNT, {}, ann)).count, 0)
  await tick()
  cat.like(post)
  assert.deepEqual(
    (await list()).map(({ isRead }) => isRead),
    [false, true],
  )
  assert.equal((await world.get(LIST, {}, ann)).seenAt !== undefined, true)
  assert.equal((await world.get(COUNT, {}, ann)).count, 1)
})

test('they take a viewer, and the unsupported seenAt is refused', async () => {
  const seenAt = ann.now
  for (const nsid of [LIST, COUNT] as const) {
    assert.equal(await world.refused(nsid), 'AuthMissing')
    assert.equal(await world.refused(nsid, { seenAt }, ann), 'InvalidRequest')
  }
  const body = { seenAt: 'yesterday' }
  const response = await world.post('app.bsky.notification.updateSeen', body, ann)
  assert.equal(response.status, 400)
  const nobody = world.person('nobody')
  assert.equal(
    (await world.post('app.bsky.notification.updateSeen', { seenAt }, nobody)).status,
    200,
  )
})
