import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createMetrics, silentLog, testOutside } from '#platform/runtime'
import { loadMigrations, openSqlite, type Sql } from '#platform/storage'
import { validateRecord } from '#protocol/lexicon'
import type { Did } from '#protocol/syntax'
import { feeds } from './feeds/index.ts'
import { feedsMigrations } from './index.ts'
import { Intake } from './intake/index.ts'

const NOW = Date.parse('2026-06-01T12:00:00Z')
const HOUR = 3_600_000
const people = { me: 'did:plc:me', ann: 'did:plc:ann', ben: 'did:plc:ben', cem: 'did:plc:cem' }

async function setUp() {
  const sql = await openSqlite(':memory:', { migrations: loadMigrations(feedsMigrations) })
  const metrics = createMetrics()
  const outside = testOutside({ startMs: NOW })
  const forgotten: Did[] = []
  const intake = new Intake({
    sql,
    jetstream: 'http://jetstream',
    subscribe: () => {
      throw new Error('not used')
    },
    outside: { ...outside, now: () => NOW },
    log: silentLog,
    metrics,
    retentionDays: 7,
    forget: (did) => forgotten.push(did),
  })
  return { sql, intake, metrics, forgotten }
}

let timeUs = NOW * 1000
const commit = (did: string, collection: string, rkey: string, record?: object) => {
  const operation = record ? 'create' : 'delete'
  const event = { did, time_us: ++timeUs, kind: 'commit' }
  return JSON.stringify({ ...event, commit: { collection, rkey, operation, record } })
}
const account = (did: string, active: boolean) =>
  JSON.stringify({ did, time_us: ++timeUs, kind: 'account', account: { active } })
const at = (hoursAgo: number) => new Date(NOW - hoursAgo * HOUR).toISOString()
const post = (did: string, rkey: string, hoursAgo = 1, more: object = {}) =>
  commit(did, 'app.bsky.feed.post', rkey, { text: rkey, createdAt: at(hoursAgo), ...more })
const like = (did: string, rkey: string, uri: string) =>
  commit(did, 'app.bsky.feed.like', rkey, { subject: { uri }, createdAt: at(0) })
const follow = (did: string, rkey: string, subject: string) =>
  commit(did, 'app.bsky.graph.follow', rkey, { subject, createdAt: at(0) })
const uri = (did: string, rkey: string) => `at://${did}/app.bsky.feed.post/${rkey}`
const PICTURE = { embed: { $type: 'app.bsky.embed.images', images: [] } }

async function read(sql: Sql, rkey: string, viewer?: string, limit = 50, cursor?: string) {
  const feed = feeds.find((one) => one.rkey === rkey)!
  const page = await feed.page(sql, { viewer: viewer as Did, limit, cursor })
  return { names: page.items.map((item) => item.uri.split('/').at(-1)), ...page }
}

test('what changed of an identity is forgotten when its event comes, and events go on', async () => {
  const { intake, metrics, forgotten } = await setUp()
  const { me, ann } = people
  const event = { did: ann, time_us: ++timeUs, kind: 'identity', identity: { did: ann } }
  await intake.take([post(me, 'm'), JSON.stringify(event), post(ann, 'a')])
  assert.deepEqual(forgotten, [ann])
  assert.equal(metrics.value('feeds_events_total', 'taken'), 2)
})

describe('near you', () => {
  test('shows people you follow and whom they follow, by time, and nobody else', async () => {
    const { sql, intake } = await setUp()
    const { me, ann, ben, cem } = people
    await intake.take([follow(me, 'f1', ann), follow(ann, 'f2', ben), follow(ben, 'f3', cem)])
    await intake.take([post(ann, 'a', 3), post(ben, 'b', 1), post(cem, 'c', 2), post(me, 'm', 0)])
    const page = await read(sql, 'network', me)
    assert.deepEqual(page.names, ['b', 'a'])
    assert.deepEqual(
      page.items.map((item) => item.because),
      ['followed by people you follow', 'followed'],
    )
  })

  test('is refused to nobody in particular', async () => {
    const { sql } = await setUp()
    await assert.rejects(read(sql, 'network'), /made for you/)
  })

  test('loses whom you no longer follow', async () => {
    const { sql, intake } = await setUp()
    const { me, ann } = people
    await intake.take([follow(me, 'f1', ann), post(ann, 'a')])
    await intake.take([commit(me, 'app.bsky.graph.follow', 'f1')])
    assert.deepEqual((await read(sql, 'network', me)).names, [])
  })
})

describe('liked today', () => {
  test('ranks by likes, and six hours later asks for twice as many', async () => {
    const { sql, intake } = await setUp()
    const { ann, ben, cem, me } = people
    await intake.take([post(ann, 'old', 7), post(ann, 'new', 1), post(ann, 'none', 0)])
    await intake.take([
      like(me, 'l1', uri(ann, 'old')),
      like(ben, 'l2', uri(ann, 'old')),
      like(cem, 'l3', uri(ann, 'new')),
    ])
    // Two likes seven hours ago against one an hour ago: six hours are worth one doubling.
    const [first, second] = (await read(sql, 'liked')).names
    assert.deepEqual([first, second].sort(), ['new', 'old'])
    await intake.take([like(me, 'l4', uri(ann, 'new'))])
    assert.deepEqual((await read(sql, 'liked')).names, ['new', 'old'])
  })

  test('counts a person once, a like before its post, and a like taken back', async () => {
    const { sql, intake } = await setUp()
    const { ann, ben } = people
    await intake.take([like(ben, 'l1', uri(ann, 'a')), like(ben, 'l2', uri(ann, 'a'))])
    await intake.take([post(ann, 'a')])
    const likes = () => sql.get<{ likes: number }>('SELECT likes FROM posts')
    assert.equal((await likes())?.likes, 1)
    await intake.take([commit(ben, 'app.bsky.feed.like', 'l1')])
    assert.equal((await likes())?.likes, 1)
    await intake.take([commit(ben, 'app.bsky.feed.like', 'l2')])
    assert.deepEqual((await read(sql, 'liked')).names, [])
  })
})

describe('photos', () => {
  test('shows posts with pictures, no replies, page after page without gaps', async () => {
    const { sql, intake } = await setUp()
    const { ann } = people
    const pictures = Array.from({ length: 7 }, (_, i) => post(ann, `p${i}`, i, PICTURE))
    const reply = { reply: { root: {}, parent: {} } }
    await intake.take([
      ...pictures,
      post(ann, 'words'),
      post(ann, 're', 1, { ...PICTURE, ...reply }),
    ])
    const seen: (string | undefined)[] = []
    let cursor: string | undefined
    do {
      const page = await read(sql, 'photos', undefined, 3, cursor)
      seen.push(...page.names)
      cursor = page.cursor
    } while (cursor)
    assert.deepEqual(seen, ['p0', 'p1', 'p2', 'p3', 'p4', 'p5', 'p6'])
    await assert.rejects(read(sql, 'photos', undefined, 3, 'nonsense'), /invalid cursor/)
  })

  test('hides accounts that are not active, until they are', async () => {
    const { sql, intake } = await setUp()
    const { ann } = people
    await intake.take([post(ann, 'p', 1, PICTURE), account(ann, false)])
    assert.deepEqual((await read(sql, 'photos')).names, [])
    await intake.take([account(ann, true)])
    assert.deepEqual((await read(sql, 'photos')).names, ['p'])
  })
})

describe('the intake', () => {
  test('changes nothing when everything comes twice', async () => {
    const { sql, intake } = await setUp()
    const { me, ann } = people
    const events = [follow(me, 'f', ann), post(ann, 'a', 1, PICTURE), like(me, 'l', uri(ann, 'a'))]
    const dump = async () =>
      JSON.stringify([
        await sql.all('SELECT * FROM posts'),
        await sql.all('SELECT * FROM likes'),
        await sql.all('SELECT * FROM follows'),
      ])
    await intake.take(events)
    const once = await dump()
    await intake.take(events)
    assert.equal(await dump(), once)
  })

  test('counts garbage and goes on behind it', async () => {
    const { sql, intake, metrics } = await setUp()
    const { ann } = people
    const garbage = [
      '',
      '{',
      '[]',
      '{"did":1}',
      new Uint8Array([1]),
      commit('nobody', 'x', 'y', {}),
    ]
    await intake.take([...garbage, post(ann, 'p', 1, PICTURE)])
    assert.deepEqual((await read(sql, 'photos')).names, ['p'])
    assert.equal(metrics.value('feeds_events_total', 'malformed'), garbage.length)
  })

  test('takes nothing from the future, and forgets what is old', async () => {
    const { sql, intake } = await setUp()
    const { ann } = people
    await intake.take([post(ann, 'future', -100, PICTURE), post(ann, 'ancient', 24 * 8, PICTURE)])
    const rows = await sql.all<{ rkey: string; sort_ms: number }>('SELECT * FROM posts')
    assert.deepEqual(
      rows.map((row) => row.rkey),
      ['future'],
    )
    assert.ok(rows[0]!.sort_ms <= NOW + 1)
  })
})

test('every feed can be published: its record is what the lexicon asks for', () => {
  for (const { rkey, displayName, description } of feeds) {
    const record = {
      $type: 'app.bsky.feed.generator',
      did: people.me,
      displayName,
      description,
      createdAt: at(0),
    }
    const verdict = validateRecord('app.bsky.feed.generator', record, { rkey })
    assert.deepEqual(verdict, { status: 'valid' })
  }
})
