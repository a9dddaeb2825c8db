import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { FrameBatch } from '#platform/runtime'
import type { PlcLogEntry } from '#protocol/identity'
import { origin, Person, startPlc, type TestPlc } from './plc.test-support.ts'

interface Sequenced extends Omit<PlcLogEntry, 'nullified'> {
  type: string
  seq: number
}

let plc: TestPlc
let people: Person[]
beforeEach(async () => {
  plc = await startPlc()
  people = Array.from({ length: 7 }, (_, i) => new Person(`p${i}`))
  for (const { did, genesis } of people) await plc.accept(did, genesis)
})
afterEach(() => plc.close())

async function exported<T>(query: string): Promise<T[]> {
  const response = await plc.get(`/export${query}`)
  assert.equal(response.status, 200)
  assert.match(response.headers.get('content-type')!, /^application\/jsonlines/)
  const text = await response.text()
  return text === '' ? [] : text.split('\n').map((line) => JSON.parse(line) as T)
}

describe('export by time', () => {
  test('shows every operation in the form of the audit log, oldest first', async () => {
    const all = await exported<PlcLogEntry>('')
    assert.deepEqual(
      all.map((entry) => entry.did),
      people.map((one) => one.did),
    )
    assert.deepEqual(all[3], (await plc.audit(people[3]!.did))[0])
  })

  test('goes on after the time of the last line, page by page, without gap or repetition', async () => {
    const seen: PlcLogEntry[] = []
    let after = ''
    for (;;) {
      const page = await exported<PlcLogEntry>(`?count=3${after}`)
      if (page.length === 0) break
      seen.push(...page)
      after = `&after=${encodeURIComponent(page.at(-1)!.createdAt)}`
    }
    assert.deepEqual(seen, await exported('?count=1000'))
    assert.equal(seen.length, 7)
  })

  test('shows what was taken back as such', async () => {
    const { did, genesis, keys } = people[0]!
    const [{ cid }] = (await plc.audit(did)) as [PlcLogEntry]
    const taken = await plc.accept(did, people[0]!.named(cid, 'm', keys[2]))
    await plc.accept(did, people[0]!.named(cid, 'back', keys[0]))
    const all = await exported<PlcLogEntry>('')
    assert.deepEqual(
      all.filter((entry) => entry.nullified).map((entry) => entry.cid),
      [taken],
    )
    assert.deepEqual(all[0]!.operation, genesis)
  })
})

describe('export by seq', () => {
  test('numbers the operations, and goes on after the number of the last line', async () => {
    const first = await exported<Sequenced>('?after=0&count=4')
    const second = await exported<Sequenced>(`?after=${first.at(-1)!.seq}`)
    const all = [...first, ...second]
    assert.deepEqual(
      all.map(({ seq, did, type }) => [seq, did, type]),
      people.map((one, i) => [i + 1, one.did, 'sequenced_op']),
    )
    assert.ok(all.every((entry) => !('nullified' in entry) && entry.cid && entry.createdAt))
    assert.deepEqual(await exported('?after=7'), [])
    assert.deepEqual(await exported('?after=999999'), [])
  })
})

for (const query of ['?count=0', '?count=-1', '?count=ten', '?after=yesterday', '?count=1.5'])
  test(`export refuses ${query}`, async () => {
    const response = await plc.get(`/export${query}`)
    assert.equal(response.status, 400)
    assert.match(
      ((await response.json()) as { message: string }).message,
      /^Invalid \w+ parameter$/,
    )
  })

test('export gives at most a thousand lines, however many are wanted', async () => {
  const { did } = people[0]!
  await plc.sql.transaction(async (sql) => {
    const insert = `insert into operation (seq, did, cid, prev, body, created_ms) values (?, ?, ?, ?, '{}', ?)`
    const base = plc.outside.now() + 1_000
    for (let i = 0; i < 1_100; i++)
      await sql.run(insert, [100 + i, did, `c${i}`, `p${i}`, base + i])
  })
  assert.equal((await exported('?count=5000&after=0')).length, 1_000)
  assert.equal((await exported('')).length, 1_000)
})

describe('the stream', () => {
  let abort: AbortController
  beforeEach(() => {
    abort = new AbortController()
  })
  afterEach(() => abort.abort())

  function open(query = ''): AsyncIterator<FrameBatch> {
    const url = `${origin}/export/stream${query}`
    return plc.transport.subscribe(url, { signal: abort.signal })[Symbol.asyncIterator]()
  }

  async function take(stream: AsyncIterator<FrameBatch>, count: number): Promise<Sequenced[]> {
    const taken: Sequenced[] = []
    while (taken.length < count) {
      const { done, value } = await stream.next()
      assert.ok(!done, 'the stream ended')
      taken.push(...value.map((frame) => JSON.parse(frame as string) as Sequenced))
    }
    return taken
  }

  test('tells what comes next when no cursor is given', async () => {
    const stream = open()
    const next = take(stream, 1)
    const bob = new Person('bob')
    await plc.accept(bob.did, bob.genesis)
    const [entry] = await next
    assert.equal(entry?.did, bob.did)
    assert.deepEqual(entry?.operation, bob.genesis)
    assert.equal(entry?.seq, 8)
  })

  test('tells everything after a cursor, as the export does, then what comes next', async () => {
    const stream = open('?cursor=2')
    assert.deepEqual(await take(stream, 5), await exported('?after=2'))
    const next = take(stream, 2)
    for (const person of [new Person('b'), new Person('c')])
      await plc.accept(person.did, person.genesis)
    assert.deepEqual(await next, await exported('?after=7'))
  })

  test('hands readers who are up to date the same batch', async () => {
    const streams = [open(), open(), open('?cursor=7')]
    const batches = Promise.all(streams.map((stream) => stream.next()))
    const bob = new Person('bob')
    await plc.accept(bob.did, bob.genesis)
    const [one, two, three] = (await batches).map((result) => result.value as FrameBatch)
    assert.equal(one?.length, 1)
    assert.equal(one, two)
    assert.equal(one, three)
  })

  test('goes through many pages in order', async () => {
    const insert = `insert into operation (seq, did, cid, prev, body, created_ms) values (?, ?, ?, ?, '{}', ?)`
    const base = plc.outside.now() + 1_000
    await plc.sql.transaction(async (sql) => {
      for (let i = 8; i <= 1_300; i++)
        await sql.run(insert, [i, people[0]!.did, `c${i}`, `p${i}`, base + i])
    })
    const bob = new Person('bob')
    const stream = open('?cursor=0')
    await plc.accept(bob.did, bob.genesis)
    const all = await take(stream, 1_301)
    assert.deepEqual(
      all.map((entry) => entry.seq),
      Array.from({ length: 1_301 }, (_, i) => i + 1),
    )
  })

  test('ends when its reader goes away', async () => {
    const stream = open()
    const next = stream.next()
    abort.abort()
    assert.equal((await next).done, true)
  })

  test('is refused a cursor from the future, one that is no number, and another path', async () => {
    for (const query of ['?cursor=8', '?cursor=-1', '?cursor=x'])
      await assert.rejects(open(query).next(), { code: 'Refused', status: 400 })
    const elsewhere = plc.transport.subscribe(`${origin}/export`, { signal: abort.signal })
    await assert.rejects(elsewhere[Symbol.asyncIterator]().next(), { status: 404 })
    assert.equal((await plc.get('/export/stream')).status, 426)
  })
})
