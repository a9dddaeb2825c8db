import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { createScene, handlesOf, type Scene } from '../scene.test-support.ts'
import type { Person, Ref } from '../world.test-support.ts'

let scene: Scene
let list: Ref
let pack: Ref
beforeEach(async () => {
  scene = await createScene()
  const { bob, carol, world } = scene
  const { now: createdAt } = bob
  const purpose = 'app.bsky.graph.defs#referencelist'
  list = bob.create('app.bsky.graph.list', { name: 'people', purpose, createdAt })
  const feed = carol.create('app.bsky.feed.generator', {
    did: 'did:web:feeds.test',
    displayName: 'Springs',
    createdAt,
  })
  pack = bob.create('app.bsky.graph.starterpack', {
    name: 'Nizwa',
    list: list.uri,
    feeds: [{ uri: feed.uri }],
    createdAt,
  })
  for (const person of [scene.carol, scene.blake, scene.gone, scene.stranger]) put(person)
  await world.settle()
})
afterEach(() => scene.world.close())

const put = (subject: Person) =>
  scene.bob.create('app.bsky.graph.listitem', {
    list: list.uri,
    subject: subject.did,
    createdAt: scene.bob.now,
  })

/** Somebody who came by the pack. */
async function join(name: string, createdAt = scene.bob.now): Promise<Person> {
  const person = scene.world.person(name)
  person.profile({ displayName: name, joinedViaStarterPack: pack, createdAt })
  await scene.world.settle()
  return person
}

const packOf = async (as?: Person) =>
  (await scene.world.get('app.bsky.graph.getStarterPack', { starterPack: pack.uri }, as))
    .starterPack

test('a starter pack shows its list, its feeds and those of its people who may be seen', async () => {
  const { alice } = scene
  const view = await packOf(alice)
  assert.equal(view.record.name, 'Nizwa')
  assert.equal(view.creator.handle, 'bob.test')
  assert.equal(view.list.listItemCount, 4)
  assert.equal(view.feeds[0].displayName, 'Springs')
  const people = view.listItemsSample.map(({ subject }: { subject: object }) => subject)
  assert.deepEqual(handlesOf(people), ['stranger.test', 'carol.test'])
  const everybody = (await packOf()).listItemsSample
  assert.equal(everybody.length, 3)
})

test('it counts who came by it, in all and this week, and profiles say so', async () => {
  const { world, bob } = scene
  await join('early', '2020-01-01T00:00:00.000Z')
  const late = await join('late')
  const { joinedAllTimeCount, joinedWeekCount } = await packOf()
  assert.deepEqual([joinedAllTimeCount, joinedWeekCount], [2, 1])
  const profile = await world.get('app.bsky.actor.getProfile', { actor: late.did })
  assert.equal(profile.joinedViaStarterPack.uri, pack.uri)
  late.update('app.bsky.actor.profile', 'self', { displayName: 'late' })
  await world.settle()
  assert.equal((await packOf()).joinedAllTimeCount, 1)
  bob.update('app.bsky.actor.profile', 'self', { joinedViaStarterPack: pack })
  await world.settle()
  assert.equal((await packOf()).joinedAllTimeCount, 1, 'nobody counts for an own pack')
})

test('packs are found by their maker and by name, until they go', async () => {
  const { world, bob } = scene
  const uris = [pack.uri, `at://${bob.did}/app.bsky.graph.starterpack/none`]
  const byUri = async () =>
    (await world.get('app.bsky.graph.getStarterPacks', { uris })).starterPacks
  const byMaker = async () =>
    (await world.get('app.bsky.graph.getActorStarterPacks', { actor: bob.did })).starterPacks
  assert.equal((await byUri())[0].listItemCount, 4)
  assert.equal((await byMaker())[0].uri, pack.uri)
  const profile = await world.get('app.bsky.actor.getProfile', { actor: bob.did })
  assert.equal(profile.associated.starterPacks, 1)
  bob.delete(pack)
  await world.settle()
  assert.deepEqual([await byUri(), await byMaker()], [[], []])
  const gone = { starterPack: pack.uri }
  assert.equal(await world.refused('app.bsky.graph.getStarterPack', gone), 'InvalidRequest')
})

test('packs of somebody with a block between are not shown', async () => {
  const { world, bob, alice } = scene
  bob.block(alice)
  await world.settle()
  const params = { actor: bob.did }
  const { starterPacks } = await world.get('app.bsky.graph.getActorStarterPacks', params, alice)
  assert.deepEqual(starterPacks, [])
})

test('its maker sees in which of the own packs somebody is', async () => {
  const { world, bob, carol, alice } = scene
  const inPacks = async (who: Person) => {
    const params = { actor: who.did }
    const page = await world.get('app.bsky.graph.getStarterPacksWithMembership', params, bob)
    return page.starterPacksWithMembership[0]
  }
  const membership = await inPacks(carol)
  assert.equal(membership.starterPack.uri, pack.uri)
  assert.equal(membership.listItem.subject.handle, 'carol.test')
  assert.equal((await inPacks(alice)).listItem, undefined)
})

test('a pack of somebody else’s list is none', async () => {
  const { world, carol } = scene
  const record = { name: 'stolen', list: list.uri, createdAt: carol.now }
  carol.create('app.bsky.graph.starterpack', record)
  await world.settle()
  const params = { actor: carol.did }
  const { starterPacks } = await world.get('app.bsky.graph.getActorStarterPacks', params)
  assert.deepEqual(starterPacks, [])
})

test('packs are found by words of their name and description, page by page', async () => {
  const { world, bob, alice } = scene
  const make = (name: string, description: string) =>
    bob.create('app.bsky.graph.starterpack', {
      ...{ name, description, list: list.uri },
      createdAt: bob.now,
    })
  make('Springs of NIZWA', 'water')
  make('Wells', 'near Nizwa')
  make('Elsewhere', '')
  await join('comer')
  for (const version of ['', 'V2']) {
    const names: string[] = []
    let cursor: string | undefined
    do {
      const params = { q: 'nizwa', limit: 1, ...(cursor && { cursor }) }
      const page = await world.get(`app.bsky.graph.searchStarterPacks${version}`, params, alice)
      names.push(
        ...page.starterPacks.map(({ record }: { record: { name: string } }) => record.name),
      )
      cursor = page.cursor
    } while (cursor)
    assert.deepEqual(names, ['Nizwa', 'Springs of NIZWA', 'Wells'], `version ${version}`)
  }
})
