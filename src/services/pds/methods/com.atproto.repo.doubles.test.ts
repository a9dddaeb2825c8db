/** One like, repost, follow or block for each subject: what createRecord takes the place of. */
import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { type Answer, type HostEvent, type Person, TestHost } from '../testing/host.test-support.ts'

const LIKE = 'app.bsky.feed.like'
const REPOST = 'app.bsky.feed.repost'
const FOLLOW = 'app.bsky.graph.follow'
const BLOCK = 'app.bsky.graph.block'
const CID = 'bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a'
const OTHER_CID = 'bafyreie5737gdxlw5i64vzichcalba3z2v5n6icifvx5xytvske7mr3hpm'
const createdAt = '2026-01-01T00:00:00.000Z'

let host: TestHost
let alice: Person
let cursor: number

before(async () => {
  host = await TestHost.open()
  alice = await host.signUp('alice')
  cursor = (await host.events()).at(-1)!.seq
})
after(() => host.close())

async function news(): Promise<HostEvent[]> {
  const events = await host.events(cursor)
  cursor = events.at(-1)?.seq ?? cursor
  return events
}

const opsOf = (events: readonly HostEvent[]) =>
  events.map(({ commit }) => commit!.ops.map(({ action, path }) => `${action} ${path}`))

const subjectOf: Record<string, (name: string, cid?: string) => unknown> = {
  [LIKE]: (name, cid = CID) => ({ uri: `at://${alice.did}/app.bsky.feed.post/${name}`, cid }),
  [REPOST]: (name, cid = CID) => ({ uri: `at://${alice.did}/app.bsky.feed.post/${name}`, cid }),
  [FOLLOW]: (name) => `did:web:${name}.example`,
  [BLOCK]: (name) => `did:web:${name}.example`,
}

async function create(
  collection: string,
  name: string,
  { cid, ...extra }: { cid?: string; validate?: boolean } = {},
  at = host,
): Promise<string> {
  const record = { $type: collection, subject: subjectOf[collection]!(name, cid), createdAt }
  const answer = await at.post(
    'com.atproto.repo.createRecord',
    { repo: alice.did, collection, record, ...extra },
    alice.accessJwt,
  )
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  return pathOf(answer)
}

const pathOf = ({ body }: Answer): string => body.uri.split('/').slice(3).join('/')

async function pathsIn(collection: string): Promise<string[]> {
  const params = { repo: alice.did, collection, reverse: true }
  const { body } = await host.get('com.atproto.repo.listRecords', params)
  return body.records.map(({ uri }: { uri: string }) => uri.split('/').slice(3).join('/'))
}

for (const collection of [LIKE, REPOST, FOLLOW, BLOCK]) {
  test(`${collection}: a second one takes the place of the first, in one commit`, async () => {
    const first = await create(collection, 'one')
    const other = await create(collection, 'two')
    await news()
    const second = await create(collection, 'one', { cid: OTHER_CID })
    assert.deepEqual(opsOf(await news()), [[`delete ${first}`, `create ${second}`]])
    assert.deepEqual(await pathsIn(collection), [other, second])
  })
}

test('a like and a repost of one post stand beside each other, as do a follow and a block', async () => {
  await create(LIKE, 'both')
  await create(FOLLOW, 'both')
  await news()
  const repost = await create(REPOST, 'both')
  const block = await create(BLOCK, 'both')
  assert.deepEqual(opsOf(await news()), [[`create ${repost}`], [`create ${block}`]])
})

test('a post about the same thing again is another post', async () => {
  await host.write(alice, 'same')
  await news()
  await host.write(alice, 'same')
  assert.equal((await news())[0]?.commit?.ops.length, 1)
})

test('many at the same instant leave one', async () => {
  await Promise.all(Array.from({ length: 20 }, () => create(LIKE, 'race')))
  const { body } = await host.get('com.atproto.repo.listRecords', {
    repo: alice.did,
    collection: LIKE,
    limit: 100,
  })
  const race = body.records.filter(({ value }: { value: { subject: { uri: string } } }) =>
    value.subject.uri.endsWith('/race'),
  )
  assert.equal(race.length, 1)
  await host.assertChain(alice)
})

test('written unchecked, by putRecord or by applyWrites, doubles stay, and the next create takes them all', async () => {
  const first = await create(FOLLOW, 'many')
  const unchecked = await create(FOLLOW, 'many', { validate: false })
  const record = { $type: FOLLOW, subject: subjectOf[FOLLOW]!('many'), createdAt }
  const input = { repo: alice.did, collection: FOLLOW, record, rkey: '3l2jkcq6kwc2k' }
  const put = pathOf(await host.post('com.atproto.repo.putRecord', input, alice.accessJwt))
  const writes = [
    {
      $type: 'com.atproto.repo.applyWrites#create',
      collection: FOLLOW,
      value: record,
      rkey: '3l2jkcq6kwd2k',
    },
  ]
  const applied = `${FOLLOW}/3l2jkcq6kwd2k`
  const answer = { repo: alice.did, writes }
  assert.equal(
    (await host.post('com.atproto.repo.applyWrites', answer, alice.accessJwt)).status,
    200,
  )
  await news()
  const last = await create(FOLLOW, 'many')
  const [ops] = opsOf(await news())
  assert.deepEqual(
    new Set(ops),
    new Set([
      ...[first, unchecked, put, applied].map((path) => `delete ${path}`),
      `create ${last}`,
    ]),
  )
})

test('one whose subject was changed is about the other from then on', async () => {
  const path = await create(BLOCK, 'before')
  const rkey = path.split('/')[1]
  const record = { $type: BLOCK, subject: subjectOf[BLOCK]!('after'), createdAt }
  const input = { repo: alice.did, collection: BLOCK, rkey, record }
  await host.post('com.atproto.repo.putRecord', input, alice.accessJwt)
  await news()
  const before = await create(BLOCK, 'before')
  const after = await create(BLOCK, 'after')
  assert.deepEqual(opsOf(await news()), [
    [`create ${before}`],
    [`delete ${path}`, `create ${after}`],
  ])
})

test('one that was taken back is not taken back again', async () => {
  const path = await create(LIKE, 'undone')
  const input = { repo: alice.did, collection: LIKE, rkey: path.split('/')[1] }
  await host.post('com.atproto.repo.deleteRecord', input, alice.accessJwt)
  await news()
  const again = await create(LIKE, 'undone')
  assert.deepEqual(opsOf(await news()), [[`create ${again}`]])
})

test('likes from before anybody asked are found, however many there are', async () => {
  const bob = await host.signUp('bob')
  const like = (n: number) => ({ $type: LIKE, subject: subjectOf[LIKE]!(`n${n}`), createdAt })
  for (let from = 0; from < 2_400; from += 200) {
    const writes = Array.from({ length: 200 }, (_, i) => ({
      $type: 'com.atproto.repo.applyWrites#create',
      collection: LIKE,
      value: like(from + i),
    }))
    const input = { repo: bob.did, writes }
    const { status } = await host.post('com.atproto.repo.applyWrites', input, bob.accessJwt)
    assert.equal(status, 200)
  }
  for (const n of [3, 2_399]) {
    await news()
    const input = { repo: bob.did, collection: LIKE, record: like(n) }
    await host.post('com.atproto.repo.createRecord', input, bob.accessJwt)
    assert.deepEqual(
      (await news())[0]!.commit!.ops.map(({ action }) => action),
      ['delete', 'create'],
    )
  }
})

test('after a power cut that took the newest of a file they are still found', async () => {
  const older = readFileSync(host.accountFile(alice.did))
  const first = await create(REPOST, 'cut')
  const folder = host.copy()
  const path = host.accountFile(alice.did).replace(host.folder, folder)
  for (const end of ['-wal', '-shm']) rmSync(`${path}${end}`, { force: true })
  writeFileSync(path, older)
  const again = await host.again({ folder })
  const second = await create(REPOST, 'cut', {}, again)
  const last = (await again.events(cursor)).at(-1)!
  assert.deepEqual(opsOf([last]), [[`delete ${first}`, `create ${second}`]])
  await again.close()
})
