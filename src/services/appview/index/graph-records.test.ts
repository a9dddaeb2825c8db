import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import type { Nsid } from '#protocol/syntax'
import { poisonTrigger } from '../engine.test-support.ts'
import { type Person, World } from '../world.test-support.ts'

let world: World
let ann: Person
let ben: Person
beforeEach(async () => {
  world = await new World({ config: { rawCollections: ['com.example.*'] } }).start()
  ann = await world.member('ann')
  ben = await world.member('ben')
})
afterEach(() => world.close())

const rows = (table: string) => world.sql.all(`select * from ${table}`)
const letters = () =>
  world.sql.all<{ path: string; reason: string; detail: string }>(
    'select path, reason, detail from dead_letter order by id',
  )

test('what cannot be indexed is kept with its reason, each record once', async () => {
  const { now: createdAt } = ann
  ann.create('app.bsky.feed.like', { subject: 'nothing', createdAt }, 'invalid')
  ann.create(
    'app.bsky.graph.listitem',
    { list: `at://${ben.did}/app.bsky.graph.list/x`, subject: ben.did, createdAt },
    'unusable',
  )
  ann.create('app.bsky.graph.listblock', { subject: `at://${ben.did}/a.b.c/x`, createdAt }, 'list')
  await world.settle()
  const found = await letters()
  assert.deepEqual(
    found.map(({ path, reason }) => [path, reason]),
    [
      ['app.bsky.feed.like/invalid', 'invalid'],
      ['app.bsky.graph.listitem/unusable', 'unusable'],
      ['app.bsky.graph.listblock/list', 'unusable'],
    ],
  )
  assert.match(found[0]!.detail, /subject/)
  assert.match(found[1]!.detail, /no list of its author/)
  ann.update('app.bsky.feed.like', 'invalid', { subject: 'nothing else', createdAt })
  await world.settle()
  assert.equal((await letters()).length, 3)
})

test('one account cannot fill the dead letters with its own', async () => {
  ben.create('app.bsky.feed.like', { subject: 'mine' }, 'kept')
  await world.settle()
  for (let i = 0; i < 103; i++) ann.create('app.bsky.feed.like', { subject: 'no' }, `l${i}`)
  await world.settle()
  const paths = (await letters()).map(({ path }) => path)
  assert.equal(paths.length, 101)
  assert.equal(paths[0], 'app.bsky.feed.like/kept')
  assert.ok(paths.includes('app.bsky.feed.like/l102'))
  assert.ok(!paths.includes('app.bsky.feed.like/l0'))
})

test('a commit that no rule foresaw leaves the names of its records', async () => {
  await world.stop()
  for (const sql of poisonTrigger) await world.sql.run(sql)
  const { uri } = ann.post('poison')
  await world.start()
  await world.settle()
  const [letter] = await letters()
  assert.equal(letter!.reason, 'failed')
  assert.ok(uri.endsWith(letter!.path))
  assert.match(letter!.detail, /poison/)
})

test('collections nobody knows are kept when they are named, and go with their repo', async () => {
  const path = 'com.example.thing/one'
  ann.create('com.example.thing' as Nsid, { any: { thing: [1, 2] } }, 'one')
  ann.create('org.example.thing' as Nsid, { any: 1 }, 'two')
  await world.settle()
  const kept = await world.sql.all<{ collection: string; body: string }>(
    "select collection, body from record where collection like '%example%'",
  )
  assert.deepEqual(
    kept.map(({ collection }) => collection),
    ['com.example.thing'],
  )
  assert.deepEqual(JSON.parse(kept[0]!.body).any, { thing: [1, 2] })
  ann.commit([{ action: 'delete', path }], { isLost: true })
  ann.sync()
  await world.settle()
  assert.deepEqual(await rows('record'), [])
})

test('a deleted account that returns while it is being emptied keeps what it has', async () => {
  const posts = Array.from({ length: 250 }, (_, i) => ann.post(`post ${i}`))
  await world.settle()
  ann.account('deleted')
  // Until the first of it is gone.
  for (let i = 0; i < 2_000 && (await rows('post')).length === 250; i++)
    await world.outside.advance(0)
  ann.account()
  await world.settle()
  assert.equal((await rows('post')).length, 250)
  const { posts: shown } = await world.get('app.bsky.feed.getPosts', { uris: [posts[0]!.uri] })
  assert.equal(shown.length, 1)
})

test('more blocks by list than are kept are refused, and room is made by taking some back', async () => {
  const list = (i: number) => `at://${ben.did}/app.bsky.graph.list/l${i}`
  const block = (i: number) => ({
    action: 'create' as const,
    path: `app.bsky.graph.listblock/b${i}`,
    value: { $type: 'app.bsky.graph.listblock', subject: list(i), createdAt: ann.now },
  })
  for (let from = 0; from < 500; from += 100)
    ann.commit(Array.from({ length: 100 }, (_, i) => block(from + i)))
  ann.commit([block(500)])
  await world.settle()
  assert.equal((await rows('list_block')).length, 500)
  assert.match((await letters())[0]!.detail, /500/)
  ann.delete({ uri: `at://${ann.did}/app.bsky.graph.listblock/b0` })
  ann.commit([block(501)])
  await world.settle()
  assert.equal((await rows('list_block')).length, 500)
})

test('anybody can ask which records are not in the index, and why', async () => {
  for (const rkey of ['one', 'two', 'three']) ann.create('app.bsky.feed.like', { subject: 1 }, rkey)
  ben.create('app.bsky.feed.like', { subject: 1 }, 'four')
  await world.settle()
  const list = async (params: Record<string, string | number>) => {
    const response = await world.call('GET', 'app.falaj.appview.listRefused', { params })
    assert.equal(response.status, 200)
    return JSON.parse(response.body as string)
  }
  const uris = (page: { records: { uri: string }[] }) =>
    page.records.map(({ uri }) => uri.split('/').pop())
  const first = await list({ limit: 3 })
  const rest = await list({ limit: 3, cursor: first.cursor })
  assert.deepEqual([...uris(first), ...uris(rest)], ['four', 'three', 'two', 'one'])
  assert.equal(first.records[0].uri, `at://${ben.did}/app.bsky.feed.like/four`)
  assert.equal(first.records[0].reason, 'invalid')
  assert.deepEqual(uris(await list({ did: ann.did })), ['three', 'two', 'one'])
  assert.deepEqual(uris(await list({ did: 'did:plc:unknown222222222222222222' })), [])
})

test('pictures named as they were before 2023 are shown', async () => {
  const { ref, mimeType } = world.addBlob(new Uint8Array([1, 2, 3]))
  const image = { cid: ref.$link, mimeType }
  const embed = { $type: 'app.bsky.embed.images', images: [{ image, alt: 'old' }] }
  const { uri } = ann.post('old times', { embed })
  ann.update('app.bsky.actor.profile', 'self', { avatar: image })
  await world.settle()
  assert.deepEqual(await letters(), [])
  const { posts } = await world.get('app.bsky.feed.getPosts', { uris: [uri] })
  assert.ok(posts[0].embed.images[0].fullsize.includes(ref.$link))
  assert.ok(posts[0].author.avatar.includes(ref.$link))
})
