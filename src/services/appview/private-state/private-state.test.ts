import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { PrivateItem } from '#protocol/account'
import type { Nsid } from '#protocol/syntax'
import { type Person, type Ref, World } from '../world.test-support.ts'

const EXPORT = 'app.falaj.appview.exportPrivate'
const TABLES = ['mute', 'list_mute', 'thread_mute', 'bookmark', 'draft', 'notice_preference']
const ALL_TABLES = [...TABLES, 'activity_subscription', 'push_token', 'seen']

/** Ann, who keeps something of every kind, and Ben, whom it is about; a new world each time. */
async function createKeeper(): Promise<{ world: World; ann: Person; ben: Person; post: Ref }> {
  const world = await new World().start()
  const ann = await world.member('ann')
  const ben = await world.member('ben')
  const post = ben.post('the post')
  const list = ben.create('app.bsky.graph.list', {
    name: 'loud',
    purpose: 'app.bsky.graph.defs#modlist',
    createdAt: ben.now,
  })
  await world.settle()
  const draft = { posts: [{ text: 'begun' }] }
  const push = { serviceDid: world.appview.did, token: 't', platform: 'web', appId: 'a' }
  const calls: [string, object][] = [
    ['app.bsky.graph.muteActor', { actor: ben.did }],
    ['app.bsky.graph.muteActorList', { list: list.uri }],
    ['app.bsky.graph.muteThread', { root: post.uri }],
    ['app.bsky.bookmark.createBookmark', post],
    ['app.bsky.draft.createDraft', { draft }],
    ['app.bsky.notification.putPreferences', { priority: true }],
    [
      'app.bsky.notification.putPreferencesV2',
      { like: { include: 'follows', list: true, push: false } },
    ],
    [
      'app.bsky.notification.putActivitySubscription',
      { subject: ben.did, activitySubscription: { post: true, reply: false } },
    ],
    ['app.bsky.notification.registerPush', push],
    ['app.bsky.notification.updateSeen', { seenAt: ann.now }],
  ]
  for (const [method, input] of calls) {
    const { status, body } = await world.post(method as Nsid, input, ann)
    assert.equal(status, 200, `${method}: ${body}`)
  }
  return { world, ann, ben, post }
}

async function exported(world: World, as: Person, limit = 500): Promise<PrivateItem[]> {
  const items: PrivateItem[] = []
  let cursor: string | undefined
  do {
    const { status, body } = await world.call('GET', EXPORT, {
      params: { limit, ...(cursor && { cursor }) },
      as,
    })
    assert.equal(status, 200, body as string)
    const page = JSON.parse(body as string)
    items.push(...page.items)
    cursor = page.cursor
  } while (cursor !== undefined)
  return items
}
async function imported(world: World, as: Person, items: readonly object[]) {
  const { body } = await world.post('app.falaj.appview.importPrivate', { items }, as)
  return JSON.parse(body as string)
}
const countOf = async (world: World, table: string) =>
  (await world.sql.get<{ count: number }>(`select count(*) as count from ${table}`))!.count

let home: Awaited<ReturnType<typeof createKeeper>>
let other: World
/** Somebody at the other app view: the same account by the same name. */
const at = (name: string): Person =>
  [...other.people.values()].find(({ handle }) => handle === `${name}.test`) ?? other.person(name)
before(async () => {
  home = await createKeeper()
  other = await new World().start()
  for (const name of ['ann', 'ben', 'cat']) at(name)
})
after(() => Promise.all([home.world.close(), other.close()]))

test('all that an app view alone knows is given to the account, and to nobody else', async () => {
  const { world, ann, ben, post } = home
  const items = await exported(world, ann)
  assert.deepEqual(
    items.map((item) => item.$type.split('#')[1]),
    [
      'mutedAccount',
      'mutedList',
      'mutedThread',
      'bookmark',
      'draft',
      'notificationPreferences',
      'activitySubscription',
      'seen',
    ],
  )
  const bookmark = items[3] as { uri: string; cid: string }
  assert.deepEqual([bookmark.uri, bookmark.cid], [post.uri, post.cid])
  assert.deepEqual(await exported(world, ben), [])
  assert.equal((await world.call('GET', EXPORT, {})).status, 401)
  for (const cursor of ['x', '99:0:', '-1:0:'])
    assert.equal(await world.refused(EXPORT, { cursor }, ann), 'InvalidRequest')
})

test('another app view takes it over, once however often it is given', async () => {
  const { world, ann } = home
  const items = await exported(world, ann)
  const there = at('ann')
  assert.deepEqual(await imported(other, there, items), { refused: 0 })
  assert.deepEqual(await exported(other, there), items)
  assert.deepEqual(await imported(other, there, items), { refused: 0 })
  assert.deepEqual(await exported(other, there, 1), items)
  const { drafts } = await other.get('app.bsky.draft.getDrafts', {}, there)
  assert.equal(drafts[0].draft.posts[0].text, 'begun')
  const { bookmarks } = await other.get('app.bsky.bookmark.getBookmarks', {}, there)
  assert.equal(bookmarks[0].subject.uri, home.post.uri)
})

test('what is there stays as it is', async () => {
  const ben = at('ben')
  const off = { include: 'all', list: false, push: false }
  await other.post('app.bsky.notification.putPreferencesV2', { reply: off }, ben)
  const preferences = { like: off, wrong: 1 }
  const item = {
    $type: 'app.falaj.appview.defs#notificationPreferences',
    priority: true,
    preferences,
  }
  assert.deepEqual(await imported(other, ben, [item]), { refused: 0 })
  const now = (await other.get('app.bsky.notification.getPreferences', {}, ben)).preferences
  assert.deepEqual([now.reply.list, now.like.list], [false, true])
})

test('what finds no room or makes no sense is left out and counted, and the rest is taken', async () => {
  const cat = at('cat')
  const of = (name: string, fields: object) => ({
    $type: `app.falaj.appview.defs#${name}`,
    ...fields,
  })
  const createdAt = cat.now
  const dates = { createdAt, updatedAt: createdAt }
  const lists = Array.from({ length: 101 }, (_, i) =>
    of('mutedList', { list: `at://${cat.did}/app.bsky.graph.list/l${i}` }),
  )
  const senseless = [
    of('mutedThread', { root: `at://${cat.did}/app.bsky.feed.like/x` }),
    of('mutedList', { list: `at://${cat.did}/app.bsky.feed.post/x` }),
    of('bookmark', { uri: `at://${cat.did}`, cid: home.post.cid, createdAt }),
    of('draft', { id: '3jzfcijpj2z2a', draft: { posts: [] }, ...dates }),
    of('activitySubscription', { subject: cat.did, post: true, reply: true, since: createdAt }),
    of('notificationPreferences', { priority: false, preferences: { like: 7 } }),
  ]
  const good = of('mutedThread', { root: home.post.uri })
  assert.deepEqual(await imported(other, cat, [...senseless, ...lists, good]), { refused: 7 })
  const items = await exported(other, cat)
  assert.equal(items.length, 101)
  assert.deepEqual(items.at(-1), good)
  const unknown = of('mutedThing', { subject: cat.did })
  assert.equal((await imported(other, cat, [unknown])).error, 'InvalidRequest')
})

test('it leaves with the account, and others keep theirs', async () => {
  const { world, ann, ben, post } = await createKeeper()
  await world.post('app.bsky.bookmark.createBookmark', post, ben)
  await world.sql.run(
    `with recursive n (i) as (select 1 union all select i + 1 from n where i < 1200)
     insert into bookmark (aid, subject_aid, subject_rkey, subject_cid, created_us)
     select (select aid from thread_mute), 0, i, '', i from n`,
  )
  ann.account('deactivated')
  await world.settle()
  for (const table of ALL_TABLES) assert.notEqual(await countOf(world, table), 0, table)
  ann.account('deleted')
  await world.settle()
  for (const table of ALL_TABLES)
    assert.equal(await countOf(world, table), table === 'bookmark' ? 1 : 0, table)
  const { posts } = await world.get('app.bsky.feed.getPosts', { uris: [post.uri] }, ben)
  assert.equal(posts[0].bookmarkCount, 1)
  await world.close()
})
