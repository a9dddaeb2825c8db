import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import type { Nsid } from '#protocol/syntax'
import { createScene, type Scene, textsOf } from '../scene.test-support.ts'
import type { Person, Ref } from '../world.test-support.ts'

let scene: Scene
let list: Ref
beforeEach(async () => {
  scene = await createScene()
  const { bob } = scene
  list = bob.create('app.bsky.graph.list', {
    name: 'neighbours',
    purpose: 'app.bsky.graph.defs#modlist',
    description: 'of the spring',
    createdAt: bob.now,
  })
})
afterEach(() => scene.world.close())

const put = (subject: Person, by = scene.bob, on = list) =>
  by.create('app.bsky.graph.listitem', { list: on.uri, subject: subject.did, createdAt: by.now })

const getList = (params: object = {}, as?: Person) =>
  scene.world.get('app.bsky.graph.getList', { list: list.uri, ...params } as never, as)

const subjects = (page: { items: { subject: { handle: string } }[] }) =>
  page.items.map(({ subject }) => subject.handle)

async function post(nsid: string): Promise<number> {
  const { world, alice } = scene
  return (await world.post(nsid as Nsid, { list: list.uri }, alice)).status
}

test('a list shows who is on it, by pages, without those who may not be shown', async () => {
  const { world, carol, stranger, blake, gone, alice } = scene
  for (const person of [carol, stranger, blake, gone]) put(person)
  await world.settle()
  const page = await getList()
  assert.equal(page.list.name, 'neighbours')
  assert.equal(page.list.listItemCount, 4)
  assert.deepEqual(subjects(page), ['blake.test', 'stranger.test', 'carol.test'])
  assert.deepEqual(subjects(await getList({}, alice)), ['stranger.test', 'carol.test'])
  const first = await getList({ limit: 2 })
  const rest = await getList({ limit: 2, cursor: first.cursor })
  assert.deepEqual(subjects(first).concat(subjects(rest)), subjects(page))
  const lists = async (params: object = {}) =>
    (await world.get('app.bsky.graph.getLists', { actor: 'bob.test', ...params } as never)).lists
  assert.equal((await lists())[0].uri, list.uri)
  assert.deepEqual(await lists({ purposes: ['curatelist'] }), [])
  assert.equal((await lists({ purposes: ['modlist'] })).length, 1)
})

test('nobody puts others on somebody else’s list; items come and go', async () => {
  const { world, carol, stranger } = scene
  put(stranger, carol)
  const item = put(carol)
  await world.settle()
  assert.deepEqual(subjects(await getList()), ['carol.test'])
  scene.bob.delete(item)
  await world.settle()
  assert.deepEqual(subjects(await getList()), [])
  scene.bob.delete(list)
  await world.settle()
  assert.equal(await world.refused('app.bsky.graph.getList', { list: list.uri }), 'InvalidRequest')
})

test('who is on a muted list is muted, also who comes later, until the list is heard again', async () => {
  const { world, alice, carol, bob } = scene
  const muted = async (who: Person) =>
    (await world.get('app.bsky.actor.getProfile', { actor: who.did }, alice)).viewer.muted
  put(carol)
  await world.settle()
  assert.equal(await muted(carol), false)
  assert.equal(await post('app.bsky.graph.muteActorList'), 200)
  assert.equal(await muted(carol), true)
  assert.equal((await getList({}, alice)).list.viewer.muted, true)
  const { lists } = await world.get('app.bsky.graph.getListMutes', {}, alice)
  assert.deepEqual(
    lists.map(({ uri }: { uri: string }) => uri),
    [list.uri],
  )
  assert.equal(await muted(bob), false)
  const item = put(bob)
  await world.settle()
  assert.equal(await muted(bob), true)
  const { feed } = await world.get('app.bsky.feed.getTimeline', {}, alice)
  assert.deepEqual(textsOf(feed), [])
  bob.delete(item)
  await world.settle()
  assert.equal(await muted(bob), false)
  assert.equal(await post('app.bsky.graph.unmuteActorList'), 200)
  assert.equal(await muted(carol), false)
})

const profile = (who: Person, as: Person) =>
  scene.world.get('app.bsky.actor.getProfile', { actor: who.did }, as)

const blockList = (by: Person) =>
  by.create('app.bsky.graph.listblock', { subject: list.uri, createdAt: by.now })

test('who is on a blocked list is blocked both ways, and the list is named', async () => {
  const { world, alice, carol, bob } = scene
  put(carol)
  const block = blockList(alice)
  await world.settle()
  const { viewer } = await profile(carol, alice)
  assert.equal(viewer.blocking, list.uri)
  assert.deepEqual(
    [viewer.blockingByList.uri, viewer.blockingByList.name, viewer.blockingByList.viewer.blocked],
    [list.uri, 'neighbours', block.uri],
  )
  assert.equal(viewer.following, undefined)
  assert.equal((await profile(alice, carol)).viewer.blockedBy, true)
  assert.equal((await profile(bob, alice)).viewer.blockingByList, undefined)
  const { feed } = await world.get('app.bsky.feed.getTimeline', {}, alice)
  assert.ok(!textsOf(feed).includes('answer of carol.test'))
  const author = { actor: carol.did }
  assert.equal(await world.refused('app.bsky.feed.getAuthorFeed', author, alice), 'BlockedActor')
  const pairs = { actor: alice.did, others: [carol.did] }
  const { relationships } = await world.get('app.bsky.graph.getRelationships', pairs)
  assert.equal(relationships[0].blockingByList, block.uri)
  const blocks = await world.get('app.bsky.graph.getListBlocks', {}, alice)
  assert.equal(blocks.lists[0].uri, list.uri)
})

test('blocks by list follow the list: items, the list itself, and the block come and go', async () => {
  const { world, alice, carol, bob } = scene
  const blocks = async () => (await profile(carol, alice)).viewer.blocking !== undefined
  const block = blockList(alice)
  await world.settle()
  assert.equal(await blocks(), false)
  const item = put(carol)
  await world.settle()
  assert.equal(await blocks(), true)
  bob.delete(list)
  await world.settle()
  assert.equal(await blocks(), false)
  const { did } = bob
  const rkey = list.uri.split('/').pop()!
  const record = { name: 'again', purpose: 'app.bsky.graph.defs#modlist', createdAt: bob.now }
  assert.equal(
    bob.create('app.bsky.graph.list', record, rkey).uri,
    `at://${did}/${list.uri.split('/').slice(3).join('/')}`,
  )
  await world.settle()
  assert.equal(await blocks(), true)
  bob.delete(item)
  await world.settle()
  assert.equal(await blocks(), false)
  put(carol)
  alice.delete(block)
  await world.settle()
  assert.equal(await blocks(), false)
})

test('a block by list stands between two others where they answer each other', async () => {
  const { world, stranger, carol, bob, post: _post } = scene
  put(carol)
  blockList(stranger)
  const said = carol.post('said by carol')
  stranger.reply(said, 'answered by a stranger')
  await world.settle()
  const { thread } = await world.get('app.bsky.feed.getPostThread', { uri: said.uri }, bob)
  assert.deepEqual(thread.replies, [])
})

test('a muted account names the list it is muted by', async () => {
  const { world, alice, carol } = scene
  put(carol)
  await world.settle()
  await post('app.bsky.graph.muteActorList')
  const { viewer } = await profile(carol, alice)
  assert.equal(viewer.muted, true)
  assert.equal(viewer.mutedByList.uri, list.uri)
  assert.equal(viewer.mutedByList.viewer.muted, true)
})

test('lists of some purposes come in pages of the size that was asked for', async () => {
  const { world, bob } = scene
  const make = (name: string, kind: string) =>
    bob.create('app.bsky.graph.list', {
      name,
      purpose: `app.bsky.graph.defs#${kind}`,
      createdAt: bob.now,
    })
  for (const i of [1, 2, 3]) {
    make(`curated ${i}`, 'curatelist')
    make(`reference ${i}`, 'referencelist')
    make(`moderated ${i}`, 'modlist')
  }
  await world.settle()
  const names = async (params: object) => {
    const all: string[] = []
    let cursor: string | undefined
    do {
      const page = await world.get('app.bsky.graph.getLists', {
        actor: bob.did,
        limit: 2,
        ...(cursor && { cursor }),
        ...params,
      })
      all.push(...page.lists.map(({ name }: { name: string }) => name))
      if (page.cursor) assert.equal(page.lists.length, 2)
      cursor = page.cursor
    } while (cursor)
    return all
  }
  assert.deepEqual(await names({ purposes: ['curatelist'] }), [
    'curated 3',
    'curated 2',
    'curated 1',
  ])
  const without = await names({})
  assert.equal(without.length, 7)
  assert.ok(!without.some((name) => name.startsWith('reference')))
  assert.deepEqual((await profile(bob, bob)).associated?.lists ?? 7, 7)
})

test('lists of somebody who blocks the viewer are not shown, but mutes of them can be taken back', async () => {
  const { world, alice, bob } = scene
  await post('app.bsky.graph.muteActorList')
  bob.block(alice)
  await world.settle()
  assert.deepEqual(
    (await world.get('app.bsky.graph.getLists', { actor: bob.did }, alice)).lists,
    [],
  )
  const mutes = await world.get('app.bsky.graph.getListMutes', {}, alice)
  assert.equal(mutes.lists.length, 1)
})

test('the viewer sees on which of its own lists somebody is', async () => {
  const { world, bob, carol, alice } = scene
  const other = bob.create('app.bsky.graph.list', {
    name: 'others',
    purpose: 'app.bsky.graph.defs#curatelist',
    createdAt: bob.now,
  })
  const item = put(carol)
  put(alice, bob, other)
  await world.settle()
  const params = { actor: carol.did }
  const page = await world.get('app.bsky.graph.getListsWithMembership', params, bob)
  const views: { list: { name: string }; listItem?: { uri: string } }[] = page.listsWithMembership
  assert.deepEqual(
    views.map((view) => [view.list.name, view.listItem?.uri]),
    [
      ['others', undefined],
      ['neighbours', item.uri],
    ],
  )
})

test('the feed of a list holds what its members posted themselves', async () => {
  const { world, carol, stranger, bob, alice, blake } = scene
  for (const person of [carol, stranger, blake]) put(person)
  await world.settle()
  const texts = async (as?: Person, limit = 50) => {
    const all: string[] = []
    let cursor: string | undefined
    do {
      const params = { list: list.uri, limit, ...(cursor && { cursor }) }
      const page = await world.get('app.bsky.feed.getListFeed', params, as)
      all.push(...textsOf(page.feed))
      cursor = page.cursor
    } while (cursor)
    return all
  }
  const answers = ['stranger', 'blake', 'carol'].map((name) => `answer of ${name}.test`)
  assert.deepEqual(await texts(), answers)
  assert.deepEqual(await texts(undefined, 1), answers)
  assert.deepEqual(await texts(alice), [answers[0], answers[2]])
  const item = put(bob)
  await world.settle()
  assert.deepEqual(await texts(), [...answers, 'the post'])
  bob.delete(item)
  await world.settle()
  assert.deepEqual(await texts(), answers)
  const unknown = { list: `at://${bob.did}/app.bsky.graph.list/none` }
  assert.equal(await world.refused('app.bsky.feed.getListFeed', unknown), 'UnknownList')
})

test('who opts out of a reference list is seen there by its owner only', async () => {
  const { world, bob, carol, alice } = scene
  const references = bob.create('app.bsky.graph.list', {
    name: 'references',
    purpose: 'app.bsky.graph.defs#referencelist',
    createdAt: bob.now,
  })
  put(carol, bob, references)
  put(alice, bob, references)
  const optOut = { subject: references.uri, createdAt: carol.now }
  carol.create('app.bsky.graph.referencelistoptout', optOut)
  await world.settle()
  const params = { list: references.uri }
  const seen = async (as?: Person) => world.get('app.bsky.graph.getList', params, as)
  assert.deepEqual(subjects(await seen()), ['alice.test'])
  const own = await seen(bob)
  assert.deepEqual(subjects(own), ['alice.test', 'carol.test'])
  assert.equal(own.items[1].subjectOptedOut, true)
  assert.match((await seen(carol)).list.viewer.referenceListOptOut, /referencelistoptout/)
})
