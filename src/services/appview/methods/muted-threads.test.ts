import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { type Person, type Ref, World } from '../world.test-support.ts'

let world: World
let ann: Person
let ben: Person
beforeEach(async () => {
  world = await new World().start()
  ann = await world.member('ann')
  ben = await world.member('ben')
})
afterEach(() => world.close())

async function mute(verb: 'muteThread' | 'unmuteThread', { uri }: Pick<Ref, 'uri'>, as = ann) {
  const { status, body } = await world.post(`app.bsky.graph.${verb}`, { root: uri }, as)
  return status === 200 ? undefined : (JSON.parse(body as string).error as string)
}
async function told(as = ann): Promise<string[]> {
  await world.settle()
  const { notifications } = await world.get('app.bsky.notification.listNotifications', {}, as)
  const { count } = await world.get('app.bsky.notification.getUnreadCount', {}, as)
  assert.equal(count, notifications.length, 'what is told is counted')
  return notifications.map((one: { reason: string }) => one.reason).sort()
}
async function isMuted({ uri }: Ref, as = ann): Promise<boolean> {
  await world.settle()
  const { posts } = await world.get('app.bsky.feed.getPosts', { uris: [uri] }, as)
  return posts[0].viewer.threadMuted
}
const mention = (person: Person) => ({
  facets: [
    {
      index: { byteStart: 0, byteEnd: 1 },
      features: [{ $type: 'app.bsky.richtext.facet#mention', did: person.did }],
    },
  ],
})

test('nothing is told of what happens in a muted thread, and all of it when it is heard again', async () => {
  const root = ann.post('mine')
  const own = ann.reply(root, 'and more')
  ben.like(root)
  ben.repost(own)
  ben.reply(own, 'deep down', root)
  ben.quote(own, 'look')
  ben.post('@', { ...mention(ann), reply: { root, parent: own } })
  ben.follow(ann)
  const all = ['follow', 'like', 'mention', 'quote', 'reply', 'repost']
  assert.deepEqual(await told(), all)
  assert.equal(await mute('muteThread', root), undefined)
  assert.equal(await mute('muteThread', root), undefined, 'twice is once')
  assert.deepEqual(await told(), ['follow'])
  assert.equal(await mute('unmuteThread', root), undefined)
  assert.deepEqual(await told(), all)
})

test('every post of a muted thread says so, to who mutes it', async () => {
  const root = ben.post('long story')
  const reply = ann.reply(root, 'enough')
  const other = ben.post('another')
  await mute('muteThread', root)
  assert.deepEqual([await isMuted(root), await isMuted(reply)], [true, true])
  assert.deepEqual([await isMuted(other), await isMuted(root, ben)], [false, false])
})

test('who mutes very many threads is heard in each of them', async () => {
  const roots = Array.from({ length: 130 }, (_, i) => ben.post(`thread ${i}`))
  const heard = ben.post('heard')
  for (const root of roots) await mute('muteThread', root)
  const muted = await Promise.all([roots[0]!, roots[129]!, heard].map((ref) => isMuted(ref)))
  assert.deepEqual(muted, [true, true, false])
  await mute('unmuteThread', roots[129]!)
  assert.equal(await isMuted(roots[129]!), false)
})

test('a thread is named by a post; an account mutes so many, and not one more', async () => {
  const [root, other] = [ben.post('a'), ben.post('b')]
  await world.settle()
  const list = { uri: `at://${ben.did}/app.bsky.graph.list/x` }
  assert.equal(await mute('muteThread', list), 'InvalidRequest')
  assert.equal(await mute('unmuteThread', list), 'InvalidRequest')
  await mute('muteThread', root)
  await world.sql.run(
    `with recursive n (i) as (select 1 union all select i + 1 from n where i < 9999)
     insert into thread_mute (aid, root_aid, root_rkey)
     select (select aid from thread_mute), 0, i from n`,
  )
  assert.equal(await mute('muteThread', other), 'TooManyMutes')
  assert.equal(await mute('muteThread', root), undefined)
})

test('a reply that a gate shuts out is not counted either', async () => {
  const root = ann.post('mine')
  ben.reply(root, 'hello')
  const rkey = root.uri.split('/').pop()!
  const gate = { post: root.uri, createdAt: ann.now, allow: [] }
  assert.deepEqual(await told(), ['reply'])
  ann.create('app.bsky.feed.threadgate', gate, rkey)
  assert.deepEqual(await told(), [])
})
