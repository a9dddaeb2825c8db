import assert from 'node:assert/strict'
import { test } from 'node:test'
import { verifyRepoCar } from '#protocol/repo'
import { type Person, textsOf, World } from './world.test-support.ts'

const DAY_MS = 86_400_000

async function worldOfAnn(config = {}): Promise<{ world: World; ann: Person }> {
  const world = new World(config)
  const ann = world.person('ann')
  ann.post('one')
  await world.start()
  await world.caughtUp(ann)
  return { world, ann }
}

/** How many rows a table has. */
async function count(world: World, table: string, where = '1 = 1'): Promise<number> {
  const row = await world.sql.get<{ n: number }>(
    `select count(*) as n from ${table} where ${where}`,
  )
  return row!.n
}

test('a missed event is fetched, and what came meanwhile follows it, state by state', async () => {
  const { world, ann } = await worldOfAnn()
  ann.post('missed', { isLost: true })
  world.isHostDown = true
  ann.post('three')
  await world.outside.advance(10)
  const three = world.time
  ann.post('four')
  await world.until(() => world.metrics.value('vault_events', 'commit', 'behind') === 2)
  assert.deepEqual(textsOf(await world.repo(ann)), ['one'], 'nothing that is not whole is given')
  const now = ann.car()
  world.isHostDown = false
  await world.until(
    async () => (await world.get('getAccount', { did: ann.did })).body.state === 'kept',
    1_000,
  )
  await world.caughtUp(ann)
  assert.deepEqual(textsOf(await world.repo(ann)), ['one', 'missed', 'three', 'four'])
  assert.deepEqual(verifyRepoCar(await world.repo(ann)).head, verifyRepoCar(now).head)
  assert.ok(three)
  await world.close()
})

test('what nobody signed with the account’s key is not kept, whoever sends it', async () => {
  const { world, ann } = await worldOfAnn()
  const eve = world.person('eve')
  eve.post('of eve')
  await world.caughtUp(eve)
  const { key } = ann
  ann.key = eve.key
  ann.post('forged')
  ann.key = key
  await world.until(() => world.metrics.value('vault_events', 'commit', 'bad-signature') === 1)
  world.forged = eve
  ann.post('behind a forgery')
  await world.until(() => world.metrics.value('jobs', 'copy', 'retried') > 0)
  assert.deepEqual(textsOf(await world.repo(ann)), ['one'])
  await world.close()
})

test('a new key counts from the event that announces it', async () => {
  const { world, ann } = await worldOfAnn()
  ann.key = world.person('key of ann').key
  world.people.delete('did:plc:key of ann22222222222222')
  ann.post('by the new key')
  await world.caughtUp(ann)
  assert.deepEqual(textsOf(await world.repo(ann)), ['one', 'by the new key'])
  await world.close()
})

test('beyond the window only snapshots stay, and what nothing needs goes from the disk', async () => {
  const { world, ann } = await worldOfAnn({ windowDays: 2, snapshotEveryDays: 1, snapshotDays: 10 })
  const picture = world.addBlob(new Uint8Array(5_000).fill(9))
  const path = ann.post('with a picture', { more: { embed: picture } })
  await world.caughtUp(ann)
  const before = world.time
  assert.equal((await world.get('getBlob', { did: ann.did, cid: picture.ref.$link })).status, 200)
  await world.outside.advance(1_000)
  ann.delete(path)
  for (let i = 0; i < 200; i++) ann.post(`number ${i}`)
  await world.caughtUp(ann)
  const blocks = await count(world, 'block')
  assert.equal(await count(world, 'instant'), 203)
  for (let day = 0; day < 14; day++) await world.outside.advance(DAY_MS)
  await world.until(async () => (await count(world, 'instant')) === 1, 60_000)
  await world.until(async () => (await count(world, 'block')) < blocks / 2, 1_000)
  await world.until(async () => (await count(world, 'pack', 'bytes is not null')) === 0, 1_000)
  await world.until(async () => (await count(world, 'doomed')) === 0)
  assert.equal(await count(world, 'blob'), 0)
  assert.deepEqual(textsOf(await world.repo(ann)), ann.texts())
  assert.equal(
    (await world.get('getRepo', { did: ann.did, at: before })).body.error,
    'InstantNotKept',
  )
  assert.equal(
    (await world.get('getBlob', { did: ann.did, cid: picture.ref.$link })).body.error,
    'BlobNotFound',
  )
  const files: string[] = []
  for await (const key of world.store.list('')) files.push(key)
  assert.equal(files.length, await count(world, 'pack'))
  await world.close()
})

test('what was written before the stream was ever heard is copied at the next start', async () => {
  const { world, ann } = await worldOfAnn()
  await world.stop()
  ann.post('while nobody listened')
  await world.start()
  await world.caughtUp(ann)
  assert.deepEqual(textsOf(await world.repo(ann)), ['one', 'while nobody listened'])
  await world.close()
})

test('a damaged pack is noticed when it is read, given up, and fetched again', async () => {
  const { world, ann } = await worldOfAnn()
  ann.post('two')
  await world.caughtUp(ann)
  const row = await world.sql.get<{ file: string }>('select file from pack where file is not null')
  const staged = await world.store.stage(new Uint8Array(100))
  await staged.commit(row!.file)
  const answer = await world.get('getRepo', { did: ann.did }).catch((error) => error)
  assert.ok(answer instanceof Error || answer.body.error === 'Damaged')
  await world.until(() => world.metrics.value('vault_damaged') === 1)
  await world.until(async () => (await count(world, 'pack', `file = '${row!.file}'`)) === 0)
  await world.caughtUp(ann)
  assert.deepEqual(textsOf(await world.repo(ann)), ['one', 'two'])
  await world.close()
})

test('an account that its host deleted outlives that for a while, and is then erased', async () => {
  const { world, ann } = await worldOfAnn({ deletedDays: 5 })
  ann.account('deleted')
  await world.until(
    async () => (await world.get('getAccount', { did: ann.did })).body.status === 'deleted',
  )
  for (let day = 0; day < 4; day++) await world.outside.advance(DAY_MS)
  assert.deepEqual(textsOf(await world.repo(ann)), ['one'])
  for (let day = 0; day < 3; day++) await world.outside.advance(DAY_MS)
  await world.until(
    async () => (await world.get('getRepo', { did: ann.did })).body?.error === 'NotKept',
    60_000,
  )
  await world.until(async () => (await count(world, 'block')) === 0, 1_000)
  assert.equal(await count(world, 'account', 'key is not null'), 0)
  await world.close()
})

test('what only its owner can read is kept state by state, sealed, and erased with the key', async () => {
  const { world, ann } = await worldOfAnn({ windowDays: 2, snapshotEveryDays: 1, snapshotDays: 3 })
  const bookmark = (uri: string) => ({ $type: 'app.falaj.appview.defs#bookmark', uri })
  const state = (seenAt: string, ...uris: string[]) => ({
    ...{ did: ann.did, host: 'http://host.test', takenAt: world.time },
    preferences: [{ $type: 'app.bsky.actor.defs#adultContentPref', enabled: true }],
    appview: {
      did: 'did:web:view.test',
      items: [{ $type: 'app.falaj.appview.defs#seen', seenAt }, ...uris.map(bookmark)],
    },
  })
  const put = async (given: object, as = ann) => (await world.post('putPrivate', given, as)).body
  assert.deepEqual(await put(state('one', 'at://a', 'at://b')), { changed: true })
  const first = world.time
  await world.outside.advance(1_000)
  // Another order and another visit are no other state, but the newest visit is kept.
  assert.deepEqual(await put(state('two', 'at://b', 'at://a')), { changed: false })
  assert.deepEqual(await put(state('two', 'at://a')), { changed: true })
  assert.equal((await put(state('x'), world.person('eve'))).error, 'InvalidRequest')

  const get = async (at?: string) =>
    (await world.get('getPrivate', { did: ann.did, ...(at && { at }) }, ann)).body
  assert.deepEqual((await get()).appview.items.slice(1), [bookmark('at://a')])
  const old = await get(first)
  assert.deepEqual(old.appview.items[0].seenAt, 'two')
  assert.equal(old.appview.items.length, 3)
  assert.equal((await get('2025-01-01T00:00:00Z')).error, 'InstantNotKept')
  const { body } = await world.get('getAccount', { did: ann.did })
  assert.equal(body.privateStates, 2)
  const rows = await world.sql.all<{ bytes: Uint8Array }>('select bytes from private_state')
  assert.ok(!rows.some(({ bytes }) => Buffer.from(bytes).includes('at://')))

  // One that was swapped for an older one, or changed, is never given out.
  await world.sql.run(
    'update private_state set bytes = (select bytes from private_state order by time_ms limit 1)',
  )
  assert.equal((await get()).error, 'Damaged')
  for (let day = 0; day < 7; day++) await world.outside.advance(DAY_MS)
  await world.until(async () => (await count(world, 'private_state')) === 1, 60_000)
  await world.post('unfollow', { did: ann.did, erase: true }, ann)
  await world.until(async () => (await count(world, 'private_state')) === 0)
  await world.close()
})

test('a host is asked for what is not in a repository, at once, when it says so, and once a day', async () => {
  const { world, ann } = await worldOfAnn()
  const view = async () => (await world.get('getAccount', { did: ann.did })).body
  await world.until(async () => (await view()).privateProblem !== undefined)
  assert.match((await view()).privateProblem, /does not let this vault/)
  const state = (enabled: boolean) => ({
    ...{ did: ann.did, host: 'http://host.test', takenAt: world.time },
    preferences: [{ $type: 'app.bsky.actor.defs#adultContentPref', enabled }],
  })
  world.beside.set(ann.did, state(true))
  assert.equal((await world.post('noteChange', {}, world.person('eve'))).body.error, 'NotKept')
  assert.equal((await world.post('noteChange', {}, ann)).status, 200)
  await world.until(async () => (await view()).privateStates === 1)
  assert.equal((await view()).privateProblem, undefined)
  world.beside.set(ann.did, state(false))
  await world.outside.advance(DAY_MS)
  await world.until(async () => (await view()).privateStates === 2, 60_000)
  // Taken back: what there is stays.
  world.beside.delete(ann.did)
  await world.post('noteChange', {}, ann)
  await world.until(async () => (await view()).privateProblem !== undefined)
  const { body } = await world.get('getPrivate', { did: ann.did }, ann)
  assert.equal(body.preferences[0].enabled, false)
  await world.close()
})

test('an owner grants their own account and no other; a vault that is not open refuses', async () => {
  const world = new World({ followHost: [] })
  const [ann, ben] = [world.person('ann'), world.person('ben')]
  ann.post('one')
  ben.post('of ben')
  await world.start()
  assert.equal((await world.post('follow', { did: ben.did }, ann)).status, 403)
  assert.equal((await world.post('follow', {}, ann)).status, 200)
  await world.caughtUp(ann)
  ann.post('two')
  ben.post('still not kept')
  await world.caughtUp(ann)
  assert.equal((await world.get('getAccount', { did: ben.did })).body.error, 'NotKept')
  const left = await world.post('unfollow', { did: ann.did, erase: false }, ann)
  assert.deepEqual(left.body, { erased: false })
  await world.close()
  const closed = await new World({ followHost: [], openVault: false }).start()
  const cem = closed.person('cem')
  assert.equal((await closed.post('follow', {}, cem)).body.error, 'NotOpen')
  await closed.close()
})
