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
