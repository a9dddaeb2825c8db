import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { type Person, type Ref, World } from '../world.test-support.ts'

const GROUP = 'app.bsky.notification'
let world: World
let ann: Person
let ben: Person
let cat: Person
beforeEach(async () => {
  world = new World({ config: { verifiers: [`did:plc:${'cat'.padEnd(24, '2')}`] } })
  await world.start()
  ann = await world.member('ann')
  ben = await world.member('ben')
  cat = await world.member('cat')
})
afterEach(() => world.close())

interface Told {
  reason: string
  uri: string
  reasonSubject?: string
  record: { $type: string; text?: string }
}
async function list(as = ann): Promise<Told[]> {
  await world.settle()
  const { notifications } = await world.get(`${GROUP}.listNotifications`, {}, as)
  const { count } = await world.get(`${GROUP}.getUnreadCount`, {}, as)
  const unread = notifications.filter(({ isRead }: { isRead: boolean }) => !isRead)
  assert.equal(count, unread.length, 'what is told is counted')
  return notifications
}
const reasons = async (as = ann) => (await list(as)).map(({ reason }) => reason)
const texts = async (as = ann) => (await list(as)).map(({ record }) => record.text)
const tick = () => world.outside.advance(1_000)
async function subscribe(to: Person, post = true, reply = false, as = ann) {
  await world.settle()
  const input = { subject: to.did, activitySubscription: { post, reply } }
  const { status, body } = await world.post(`${GROUP}.putActivitySubscription`, input, as)
  await tick()
  const answer = JSON.parse(body as string)
  return status === 200 ? answer.activitySubscription : answer.error
}

test('who reposted a post hears what it led to, as long as the repost is there', async () => {
  const post = ben.post('bens')
  const repost = ann.repost(post)
  await tick()
  const like = cat.create('app.bsky.feed.like', { subject: post, createdAt: cat.now, via: repost })
  await tick()
  cat.create('app.bsky.feed.repost', { subject: post, createdAt: cat.now, via: repost })
  const told = await list()
  assert.deepEqual(
    told.map(({ reason, reasonSubject }) => [reason, reasonSubject]),
    [
      ['repost-via-repost', repost.uri],
      ['like-via-repost', repost.uri],
    ],
  )
  assert.deepEqual([told[1]!.uri, told[1]!.record.$type], [like.uri, 'app.bsky.feed.like'])
  assert.deepEqual(await reasons(ben), ['repost', 'like', 'repost'])
  cat.delete(like)
  assert.deepEqual(await reasons(), ['repost-via-repost'])
  ann.delete(repost)
  assert.deepEqual(await reasons(), [])
})

test('an author who reposted the own post hears of a like once', async () => {
  const post = ann.post('mine')
  const repost = ann.repost(post)
  cat.create('app.bsky.feed.like', { subject: post, createdAt: cat.now, via: repost })
  cat.create('app.bsky.feed.like', { subject: ben.post('x'), createdAt: cat.now, via: post })
  assert.deepEqual(await reasons(), ['like'])
})

test('being verified and no longer is told, of those whose word counts here', async () => {
  const fields = { subject: ann.did, handle: ann.handle, displayName: 'ANN', createdAt: cat.now }
  const word = cat.create('app.bsky.graph.verification', fields)
  ben.create('app.bsky.graph.verification', fields)
  const [told] = await list()
  assert.deepEqual([told!.reason, told!.uri], ['verified', word.uri])
  assert.deepEqual(told!.record, { $type: 'app.bsky.graph.verification', ...fields })
  await tick()
  cat.delete(word)
  const [gone, ...rest] = await list()
  assert.deepEqual([gone!.reason, gone!.uri, rest], ['unverified', word.uri, []])
  assert.deepEqual(gone!.record, { $type: 'app.bsky.notification.defs#recordDeleted' })
})

test('who comes by a starter pack is told to who made it', async () => {
  const list1 = ann.create('app.bsky.graph.list', {
    name: 'friends',
    purpose: 'app.bsky.graph.defs#referencelist',
    createdAt: ann.now,
  })
  const fields = { name: 'pack', list: list1.uri, createdAt: ann.now }
  const pack = ann.create('app.bsky.graph.starterpack', fields)
  await tick()
  const dan = world.person('dan')
  dan.profile({ displayName: 'Dan', joinedViaStarterPack: pack, createdAt: dan.now })
  const [told] = await list()
  assert.deepEqual(
    [told!.reason, told!.reasonSubject, told!.record.$type],
    ['starterpack-joined', pack.uri, 'app.bsky.actor.profile'],
  )
  dan.update('app.bsky.actor.profile', 'self', { displayName: 'Dan, on his own' })
  assert.deepEqual(await reasons(), [])
})

test('one is told of the posts of whom one subscribed to, from then on', async () => {
  ann.follow(ben)
  ben.post('before')
  await tick()
  assert.deepEqual(await subscribe(ben), { post: true, reply: false })
  const post = ben.post('first')
  ben.reply(post, 'and its answer')
  ben.repost(cat.post('of another'))
  await tick()
  cat.like(ann.post('mine'))
  await tick()
  ben.post('second')
  assert.deepEqual(await reasons(), ['subscribed-post', 'like', 'subscribed-post'])
  assert.deepEqual((await texts()).filter(Boolean), ['second', 'first'])
  const { cursor } = await world.get(`${GROUP}.listNotifications`, { limit: 2 }, ann)
  const rest = await world.get(`${GROUP}.listNotifications`, { limit: 2, cursor }, ann)
  assert.deepEqual(
    rest.notifications.map((one: Told) => one.record.text),
    ['first'],
  )
  await subscribe(ben, false, true)
  assert.deepEqual((await texts()).filter(Boolean), ['and its answer'])
  ben.delete(post)
  assert.equal(await subscribe(ben, false, false), undefined)
  assert.deepEqual(await reasons(), ['like'])
})

test('a post that concerns one anyway is told once, and one that goes is not told', async () => {
  ann.follow(ben)
  await subscribe(ben, true, true)
  const reply = ben.reply(ann.post('mine'), 'to you')
  const gone = ben.post('gone')
  assert.deepEqual((await reasons()).sort(), ['reply', 'subscribed-post'])
  ben.delete(gone)
  assert.deepEqual(await reasons(), ['reply'])
  ben.delete(reply)
  assert.deepEqual(await reasons(), [])
})

test('who posts decides who may be told', async () => {
  await subscribe(ben)
  ben.post('to followers')
  assert.deepEqual(await reasons(), [], 'followers alone, where nothing is declared')
  ann.follow(ben)
  assert.deepEqual(await reasons(), ['subscribed-post'])
  const declare = (allowSubscriptions: string) => {
    const declaration = 'app.bsky.notification.declaration'
    if (allowSubscriptions === 'mutuals') ben.create(declaration, { allowSubscriptions }, 'self')
    else ben.update(declaration, 'self', { allowSubscriptions })
  }
  declare('mutuals')
  assert.deepEqual(await reasons(), [])
  const back = ben.follow(ann)
  assert.deepEqual((await reasons()).sort(), ['follow', 'subscribed-post'])
  ben.delete(back)
  declare('none')
  assert.deepEqual(await reasons(), [])
  declare('followers')
  assert.deepEqual(await reasons(), ['subscribed-post'])
  ann.block(ben)
  assert.deepEqual(await reasons(), [])
})

test('subscriptions are listed, and shown in the profiles they are about', async () => {
  const shown = async (of: Person) =>
    (await world.get('app.bsky.actor.getProfile', { actor: of.did }, ann)).viewer
      .activitySubscription
  ann.follow(ben)
  await subscribe(ben)
  await subscribe(cat, true, true)
  const page = async (params: object = {}) =>
    world.get(`${GROUP}.listActivitySubscriptions`, params as never, ann)
  const names = ({ subscriptions }: { subscriptions: Person[] }) =>
    subscriptions.map(({ handle }) => handle)
  assert.deepEqual(names(await page()), ['cat.test', 'ben.test'])
  const first = await page({ limit: 1 })
  const rest = await page({ limit: 1, cursor: first.cursor })
  assert.deepEqual([...names(first), ...names(rest)], ['cat.test', 'ben.test'])
  assert.deepEqual(await shown(ben), { post: true, reply: false })
  assert.equal(await shown(cat), undefined, 'cat does not let who does not follow')
  const { profiles } = await world.get('app.bsky.actor.getProfiles', { actors: [ben.did] }, ann)
  assert.deepEqual(profiles[0].viewer.activitySubscription, { post: true, reply: false })
})

test('nobody subscribes to themselves, to nobody, or to more than two hundred', async () => {
  assert.equal(await subscribe(ann), 'InvalidRequest')
  assert.equal(await subscribe(world.person('nobody')), 'InvalidRequest')
  await subscribe(ben)
  await world.sql.run(
    `with recursive n (i) as (select 1 union all select i + 1 from n where i < 199)
     insert into activity_subscription (aid, subject_aid, posts, replies, created_us)
     select (select aid from activity_subscription), 1000 + i, 1, 0, 0 from n`,
  )
  assert.equal(await subscribe(cat), 'TooManySubscriptions')
  assert.deepEqual(await subscribe(ben, true, true), { post: true, reply: true })
  const post: Ref = ben.post('heard')
  await tick()
  ann.follow(ben)
  assert.deepEqual(
    (await list()).map(({ uri }) => uri),
    [post.uri],
  )
})
