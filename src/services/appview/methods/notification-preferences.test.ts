import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import type { Nsid } from '#protocol/syntax'
import { type Person, World } from '../world.test-support.ts'

const GROUP = 'app.bsky.notification'
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

async function send(verb: string, input: object, as = ann) {
  const { status, body } = await world.post(`${GROUP}.${verb}` as Nsid, input, as)
  const answer = body === undefined || body === '' ? {} : JSON.parse(body as string)
  assert.equal(status === 200, answer.error === undefined, body as string)
  return answer
}
const preferences = async (as = ann) =>
  (await world.get(`${GROUP}.getPreferences`, {}, as)).preferences
/** Who was heard for what, by the list and by the count. */
async function told(params: Record<string, boolean> = {}): Promise<string[]> {
  await world.settle()
  const page = await world.get(`${GROUP}.listNotifications`, params, ann)
  const { count } = await world.get(`${GROUP}.getUnreadCount`, params, ann)
  assert.equal(count, page.notifications.length, 'what is told is counted')
  type Told = { reason: string; author: { handle: string } }
  return page.notifications.map((one: Told) => `${one.reason} ${one.author.handle}`).sort()
}
const OFF = { include: 'all', list: false, push: true }
const FOLLOWS = { include: 'follows', list: true, push: false }

test('everything is told to who says nothing', async () => {
  const all = await preferences()
  assert.deepEqual(all.reply, { include: 'all', list: true, push: true })
  assert.deepEqual(all.verified, { list: true, push: true })
  assert.equal(Object.keys(all).length, 13)
  assert.deepEqual(await preferences(world.person('nobody')), all)
})

test('what is changed stays changed, and the rest as it was', async () => {
  const first = await send('putPreferencesV2', {
    like: OFF,
    subscribedPost: { list: false, push: false },
  })
  const second = await send('putPreferencesV2', {
    reply: FOLLOWS,
    chat: { include: 'accepted', push: false },
  })
  assert.deepEqual(first.preferences.like, OFF)
  assert.deepEqual(await preferences(), second.preferences)
  const { like, reply, subscribedPost, chat, repost } = second.preferences
  assert.deepEqual([like, reply, subscribedPost], [OFF, FOLLOWS, { list: false, push: false }])
  assert.deepEqual(chat, { include: 'all', push: true }, 'chats are not concerned')
  assert.deepEqual(repost, { include: 'all', list: true, push: true })
  assert.deepEqual((await preferences(ben)).like, { include: 'all', list: true, push: true })
  const odd = { ...OFF, include: 'nobody at all', more: 'x' }
  const third = await send('putPreferencesV2', { quote: odd })
  assert.deepEqual(third.preferences.quote, OFF, 'what no lexicon knows is not kept')
})

test('reasons that are not to be listed are neither told nor counted', async () => {
  const post = ann.post('mine')
  ben.like(post)
  ben.reply(post, 'r')
  assert.deepEqual(await told(), ['like ben.test', 'reply ben.test'])
  await send('putPreferencesV2', { like: OFF })
  assert.deepEqual(await told(), ['reply ben.test'])
  const page = await world.get(`${GROUP}.listNotifications`, { reasons: ['like'] }, ann)
  assert.deepEqual(page.notifications, [])
  await send('putPreferencesV2', { like: { ...OFF, list: true } })
  assert.deepEqual(await told(), ['like ben.test', 'reply ben.test'])
})

test('a reason can be heard of those alone whom one follows', async () => {
  const post = ann.post('mine')
  ann.follow(cat)
  for (const person of [ben, cat]) {
    person.like(post)
    person.reply(post, 'r')
  }
  await send('putPreferencesV2', { reply: FOLLOWS })
  assert.deepEqual(await told(), ['like ben.test', 'like cat.test', 'reply cat.test'])
})

test('priority is what the account set, where a client does not say', async () => {
  const post = ann.post('mine')
  ann.follow(cat)
  for (const person of [ben, cat]) person.like(post)
  await send('putPreferences', { priority: true })
  await send('putPreferencesV2', { repost: OFF })
  assert.deepEqual(await told(), ['like cat.test'])
  assert.deepEqual(await told({ priority: false }), ['like ben.test', 'like cat.test'])
  assert.equal((await world.get(`${GROUP}.listNotifications`, {}, ann)).priority, true)
  await send('putPreferences', { priority: false })
  assert.deepEqual(await told(), ['like ben.test', 'like cat.test'])
})

test('devices are kept once each, fifty of an account, and forgotten again', async () => {
  const serviceDid = world.appview.did
  const device = { serviceDid, token: 't', platform: 'ios', appId: 'app' }
  const count = async () =>
    (await world.sql.get<{ count: number }>('select count(*) as count from push_token'))!.count
  await send('registerPush', device)
  await send('registerPush', { ...device, ageRestricted: true })
  await send('registerPush', device, ben)
  assert.equal(await count(), 2)
  for (let i = 1; i < 50; i++) await send('registerPush', { ...device, token: `t${i}` })
  const more = await send('registerPush', { ...device, token: 't50' })
  assert.equal(more.error, 'TooManyDevices')
  await send('unregisterPush', device)
  await send('unregisterPush', device)
  assert.equal(await count(), 50)
  for (const wrong of [
    { platform: 'fridge' },
    { serviceDid: ben.did },
    { token: 'x'.repeat(5_000) },
    { appId: 'x'.repeat(300) },
  ])
    assert.equal((await send('registerPush', { ...device, ...wrong })).error, 'InvalidRequest')
})
