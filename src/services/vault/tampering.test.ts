/** Whoever can write to the vault's disk cannot make it give out anything that its accounts did not sign. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { textsOf, World } from './world.test-support.ts'

/** A world with ann, whose packs and picture lie in the store, and ben, whose files could stand in for hers. */
async function filled() {
  const world = new World({ drillEveryHours: 1_000 })
  const [ann, ben] = [world.person('ann'), world.person('ben')]
  const picture = world.addBlob(new Uint8Array(1_500_000).map((_, i) => i * 7))
  for (const one of [ann, ben])
    for (let i = 0; i < 60; i++) one.post(`${i} ${'of a long life '.repeat(20)}`)
  ann.post('a picture', { more: { embed: picture } })
  ben.post('the same', { more: { embed: picture } })
  await world.start()
  for (const one of [ann, ben]) await world.caughtUp(one)
  const keys = await keysOf(world)
  const row = await world.sql.get<{ aid: number }>('select aid from account where did = ?', [
    ann.did,
  ])
  const mine = keys.filter((key) => key.startsWith(`${row!.aid}/`))
  const others = keys.filter((key) => !mine.includes(key))
  return { world, ann, mine, others, cid: picture.ref.$link }
}

async function keysOf(world: World, prefix = ''): Promise<string[]> {
  const keys: string[] = []
  for await (const key of world.store.list(prefix)) keys.push(key)
  return keys
}

async function bytesAt(world: World, key: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of (await world.store.get(key))!.body) chunks.push(chunk)
  return new Uint8Array(Buffer.concat(chunks))
}

async function put(world: World, key: string, bytes: Uint8Array): Promise<void> {
  await (await world.store.stage(bytes)).commit(key)
}

const kindOf = (key: string) => key.split('/')[1]!

const HARM: Readonly<Record<string, (bytes: Uint8Array, other: Uint8Array) => Uint8Array>> = {
  'a bit is turned': (bytes) => {
    const changed = bytes.slice()
    changed[bytes.length >> 1]! ^= 1
    return changed
  },
  'the end is cut off': (bytes) => bytes.slice(0, -40),
  'half of it is there': (bytes) => bytes.slice(0, bytes.length >> 1),
  'nothing of it is there': () => new Uint8Array(),
  'the same thing of somebody else stands in its place': (_, other) => other,
}

test('a changed, cut or exchanged file is never given out, and is had again from the host', async () => {
  const { world, ann, mine, others, cid } = await filled()
  const texts = ann.texts()
  const own = `${mine[0]!.split('/')[0]}/`
  for (const [what, harm] of Object.entries(HARM)) {
    // Packs that were had again have other names.
    for (const key of await keysOf(world, own)) {
      const before = await bytesAt(world, key)
      const other = others.find((one) => kindOf(one) === kindOf(key))!
      const given = harm(before, await bytesAt(world, other))
      await put(world, key, given)
      const method = kindOf(key) === 'blobs' ? 'getBlob' : 'getRepo'
      const params = { did: ann.did, ...(method === 'getBlob' && { cid }) }
      const answer = await world.get(method, params).catch((error: Error) => error)
      assert.ok(answer instanceof Error || answer.body?.error === 'Damaged', `${key}: ${what}`)
      if (method === 'getBlob') await put(world, key, before)
    }
    await world.caughtUp(ann)
    assert.deepEqual(textsOf(await world.repo(ann)), texts, what)
    assert.deepEqual((await keysOf(world, own)).map(kindOf), ['blobs', 'packs'], what)
  }
  await world.close()
})

test('an older copy of the database with the newer files gives the older states, and goes on from there', async () => {
  const { world, ann } = await filled()
  ann.post('heard')
  await world.caughtUp(ann)
  const tables = ['account', 'host', 'instant', 'pack', 'block', 'mention', 'blob']
  for (const table of tables)
    await world.sql.run(`create table old_${table} as select * from ${table}`)
  ann.post('after the copy')
  await world.caughtUp(ann)
  await world.stop()
  for (const table of tables) {
    await world.sql.run(`delete from ${table}`)
    await world.sql.run(`insert into ${table} select * from old_${table}`)
  }
  world.isHostDown = true
  const texts = ann.texts()
  await world.start()
  // The host's stream tells again what the older copy had not heard.
  await world.until(async () => textsOf(await world.repo(ann)).length === texts.length)
  assert.deepEqual(textsOf(await world.repo(ann)), texts)
  await world.close()
})

test('with another key nothing opens, and nothing is destroyed', async () => {
  const { world, ann, mine } = await filled()
  await world.stop()
  await assert.rejects(world.start({ sealingKey: new Uint8Array(32).fill(8) }), /cannot open/)
  for (const key of mine) assert.ok(await world.store.get(key))
  await world.start()
  assert.deepEqual(textsOf(await world.repo(ann)), ann.texts())
  await world.close()
})

test('a full disk loses nothing: it waits, and goes on when there is room', async () => {
  const { world, ann } = await filled()
  const { store } = world
  const stage = store.stage.bind(store)
  let isFull = true
  store.stage = async (body) => {
    if (!isFull) return stage(body)
    throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
  }
  const picture = world.addBlob(new Uint8Array(9_000).fill(4))
  ann.post('one more', { more: { embed: picture } })
  await world.until(() => world.metrics.value('jobs', 'blob', 'retried') > 0, 1_000)
  assert.equal(textsOf(await world.repo(ann)).length, ann.texts().length, 'records go on')
  isFull = false
  await world.until(async () => {
    const { body } = await world.get('getAccount', { did: ann.did })
    return body.blobs === 2 && body.blobsWanted === 0
  }, 10_000)
  await world.close()
})
