import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { openIndex, runs } from '../engine.test-support.ts'
import { Changes } from './cache.ts'
import { compareEntries, type FeedEntry } from './feed-entry.ts'
import { mergeRecent, RecentFeed } from './recent-feed.ts'
import { Timelines } from './timelines.ts'

const entry = fc.record({
  aid: fc.integer({ min: 1, max: 6 }),
  sortUs: fc.integer({ min: 0, max: 30 }),
  kind: fc.constantFrom(0, 1),
  rkey: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'),
})
const entries = fc.uniqueArray(entry, {
  maxLength: 300,
  selector: ({ aid, sortUs, kind, rkey }) => `${aid} ${sortUs} ${kind} ${rkey}`,
})
type Bare = Omit<FeedEntry, 'post'>
const full = (bare: Bare): FeedEntry => ({ ...bare, post: `${bare.aid}/${bare.rkey}` })

async function database(list: readonly FeedEntry[], follows: readonly number[]) {
  const sql = await openIndex()
  await sql.runMany(
    'insert into feed_item (aid, sort_us, kind, rkey, subject_aid, subject_rkey, flags) values (?, ?, ?, ?, ?, ?, 0)',
    list.map(({ aid, sortUs, kind, rkey }) => [aid, sortUs, kind, rkey, aid, rkey]),
  )
  await sql.runMany(
    `insert into follow (aid, rkey, subject_aid, cid, created_at, sort_us, counted)
     values (1, ?, ?, ?, '', 0, 1)`,
    follows.map((aid) => [`f${aid}`, aid, new Uint8Array()]),
  )
  return sql
}

const limits = fc.integer({ min: 1, max: 60 })

async function readAll(timelines: Timelines, limit: number): Promise<FeedEntry[]> {
  const read: FeedEntry[] = []
  for (let cursor: string | undefined = ''; cursor !== undefined; ) {
    const page = await timelines.page(1, { cursor: cursor || undefined, limit })
    read.push(...page.entries)
    cursor = page.cursor
  }
  return read
}

test('pages from memory and pages by SQL are the same, and what a sort would give', async () => {
  await fc.assert(
    fc.asyncProperty(
      entries,
      fc.uniqueArray(fc.integer({ min: 2, max: 6 })),
      limits,
      async (bare, follows, limit) => {
        const list = bare.map(full)
        const sql = await database(list, follows)
        const timelines = new Timelines({ sql, changes: new Changes() })
        const expected = list
          .filter(({ aid }) => aid === 1 || follows.includes(aid))
          .sort(compareEntries)
        assert.deepEqual(await readAll(timelines, limit), expected)
        await sql.close()
      },
    ),
    { numRuns: runs(60) },
  )
})

test('what comes and goes after loading is in its place', async () => {
  await fc.assert(
    fc.asyncProperty(entries, entries, fc.nat(), limits, async (before, later, gone, pages) => {
      const list = before.map(full)
      const keys = new Set(list.map((one) => JSON.stringify(one)))
      const added = later.map(full).filter((one) => !keys.has(JSON.stringify(one)))
      const sql = await database(list, [2, 3])
      const timelines = new Timelines({ sql, changes: new Changes() })
      await readAll(timelines, pages)
      for (const one of added) {
        await sql.run(
          'insert into feed_item (aid, sort_us, kind, rkey, subject_aid, subject_rkey, flags) values (?, ?, ?, ?, ?, ?, 0)',
          [one.aid, one.sortUs, one.kind, one.rkey, one.aid, one.rkey],
        )
        timelines.add(one)
      }
      const all = [...list, ...added]
      const removed = all[gone % Math.max(1, all.length)]
      if (removed !== undefined) {
        await sql.run(
          'delete from feed_item where aid = ? and sort_us = ? and kind = ? and rkey = ?',
          [removed.aid, removed.sortUs, removed.kind, removed.rkey],
        )
        timelines.remove(removed)
      }
      const expected = all.filter((one) => one !== removed && one.aid <= 3).sort(compareEntries)
      assert.deepEqual(await readAll(timelines, 50), expected)
      await sql.close()
    }),
    { numRuns: runs(60) },
  )
})

test('an author of whom not everything is known ends the page rather than skip somebody', () => {
  const newest = Array.from({ length: RecentFeed.LOADED }, (_, i) =>
    full({ aid: 1, sortUs: 1_000 - i, kind: 0, rkey: 'a' }),
  )
  const feed = new RecentFeed(newest)
  assert.equal(feed.isComplete, false)
  const merged = (after: FeedEntry | undefined, limit: number) => {
    const merge = mergeRecent([feed], after, limit)
    return 'page' in merge ? merge.page.length : merge.short
  }
  assert.equal(merged(undefined, RecentFeed.LOADED), RecentFeed.LOADED)
  assert.deepEqual(merged(undefined, RecentFeed.LOADED + 1), [feed])
  const oldest = newest.at(-1)!
  assert.deepEqual(merged(oldest, 1), [feed])
  const older = full({ aid: 1, sortUs: 1, kind: 0, rkey: 'a' })
  feed.add(older)
  assert.deepEqual(merged(oldest, 1), [feed], 'an entry below the known ones is not known')
  assert.equal(feed.extensible, oldest)
  feed.extend([older])
  assert.deepEqual([feed.isComplete, merged(oldest, 1)], [true, 1])
})

test('a feed that grows too long forgets its oldest entries, and says so', () => {
  const feed = new RecentFeed([])
  assert.equal(feed.isComplete, true)
  for (let i = 0; i < 200; i++) feed.add(full({ aid: 1, sortUs: i, kind: 0, rkey: 'a' }))
  assert.equal(feed.isComplete, false)
  const merge = mergeRecent([feed], undefined, 30)
  assert.equal('page' in merge && merge.page[0]?.sortUs, 199)
})
