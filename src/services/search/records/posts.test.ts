import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import { loadMigrations, openSqlite, type Sql } from '#platform/storage'
import { searchMigrations } from '../index.ts'
import { placeOfMs, placesFor } from './place.ts'
import { type PostChange, Posts, writePosts } from './posts.ts'

const FROM_ALL = { from: 0, before: Number.MAX_SAFE_INTEGER }
const doc = (text: string) => ({ text, alt: '', facets: 'by:someone' })

describe('the index of posts', () => {
  let sql: Sql
  let posts: Posts
  const write = (...changes: PostChange[]) =>
    sql.transaction((inside) => writePosts(inside, changes))
  const found = async (match: string | undefined) =>
    (await posts.latest({ match, ...FROM_ALL }, 10_000)).map(({ did, rkey }) => `${did}/${rkey}`)

  before(async () => {
    sql = await openSqlite(':memory:', { migrations: loadMigrations(searchMigrations) })
    posts = new Posts({ sql })
    await sql.runMany('insert into actor (aid, did) values (?, ?)', [
      [1, 'one'],
      [2, 'two'],
    ])
  })
  after(() => sql.close())

  test('any number of posts of one moment each have a place in it', async () => {
    const changes = Array.from({ length: 5_000 }, (_, i) => ({
      aid: 1,
      rkey: `same${i}`,
      sortMs: 1_000_000,
      document: doc('same'),
    }))
    await write(...changes)
    assert.equal((await found('"same"')).length, 5_000)
    const row = await sql.get<{ first: number; last: number }>(
      'select min(pid) as first, max(pid) as last from post',
    )
    assert.ok(row!.first >= 1_000_000_000)
    assert.ok(row!.last < 1_100_000_000, `${row!.last} is within a tenth of a second or so`)
    await write(...changes.map((change) => ({ ...change, document: undefined })))
    assert.deepEqual(await found(undefined), [])
  })

  test('an edit keeps its place and loses its old words', async () => {
    await write({ aid: 1, rkey: 'a', sortMs: 5, document: doc('early') })
    await write({ aid: 1, rkey: 'b', sortMs: 6, document: doc('late') })
    await write({ aid: 1, rkey: 'a', sortMs: 7, document: doc('edited late') })
    assert.deepEqual(await found('"early"'), [])
    assert.deepEqual(await found('"late"'), ['one/b', 'one/a'])
    await write(
      { aid: 1, rkey: 'a', sortMs: 0, document: undefined },
      { aid: 1, rkey: 'b', sortMs: 0, document: undefined },
    )
  })

  test('after any changes, written in any pieces, the newest version of each is found', async () => {
    const change = fc.record({
      aid: fc.constantFrom(1, 2),
      rkey: fc.constantFrom('a', 'b', 'c', 'd'),
      sortMs: fc.integer({ min: 0, max: 3 }),
      word: fc.constantFrom(undefined, 'red', 'green', 'blue'),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uniqueArray(change, { selector: (c) => `${c.aid}/${c.rkey}` })),
        async (batches) => {
          const truth = new Map<string, string>()
          await sql.run('delete from post')
          await sql.run("insert into post_text (post_text) values ('delete-all')")
          for (const batch of batches) {
            await write(
              ...batch.map(({ word, ...rest }) => ({
                ...rest,
                document: word === undefined ? undefined : doc(word),
              })),
            )
            for (const { aid, rkey, word } of batch) {
              const name = `${aid === 1 ? 'one' : 'two'}/${rkey}`
              if (word === undefined) truth.delete(name)
              else truth.set(name, word)
            }
          }
          for (const word of ['red', 'green', 'blue'])
            assert.deepEqual(
              (await found(`"${word}"`)).sort(),
              [...truth].flatMap(([name, is]) => (is === word ? [name] : [])).sort(),
            )
          assert.deepEqual((await found(undefined)).sort(), [...truth.keys()].sort())
        },
      ),
      { numRuns: 100 },
    )
  })

  test('hits are counted, up to a bound', async () => {
    const changes = Array.from({ length: 1_200 }, (_, i) => ({
      aid: 2,
      rkey: `n${i}`,
      sortMs: i,
      document: doc(i < 7 ? 'few many' : 'many'),
    }))
    await write(...changes)
    assert.equal(await posts.count({ match: '"few"', ...FROM_ALL }), 7)
    assert.equal(await posts.count({ match: '"many"', ...FROM_ALL }), 1_000)
    assert.equal(await posts.count({ match: '"many"', from: 0, before: placeOfMs(20) }), 20)
  })

  test('what a hidden account wrote is not found', async () => {
    await sql.run("update actor set status = 'takendown' where aid = 2")
    assert.deepEqual(await found('"few"'), [])
    const best = await posts.best({ match: '"few"', ...FROM_ALL }, { offset: 0, limit: 10 })
    assert.deepEqual(best, [])
    await sql.run('update actor set status = null where aid = 2')
    assert.equal((await found('"few"')).length, 7)
  })
})

test('a place is in the millisecond of its post, and before 1970 there is none', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 4e12 }),
      fc.integer({ min: 1 }),
      fc.string(),
      (ms, aid, rkey) => {
        const [first] = placesFor(ms, aid, rkey)
        assert.ok(first! >= placeOfMs(ms) && first! < placeOfMs(ms + 1))
        assert.ok(Number.isSafeInteger(first))
      },
    ),
  )
  const [place] = placesFor(-5e12, 1, 'a')
  assert.ok(place! >= 0 && place! < 1_000)
})
