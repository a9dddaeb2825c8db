/**
 * What a distributed engine needs, shown on stock PostgreSQL: with every table cut into sixteen by
 * its key, a query goes to one piece of a table for each account it names, or is on a short list
 * with the reason.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noPostgres } from '#network/postgres'
import type { Sql, SqlParams, SqlValue } from '#platform/storage'
import { openInPieces } from '../engine.test-support.ts'
import { everyRead } from './every-read.test-support.ts'

const PIECES = 16

/** By what each table would be cut: those that are not here are small, or whole everywhere (accounts, labels, jobs). */
const KEYS = {
  ...{ profile: 'aid', actor_count: 'aid', post: 'aid', feed_item: 'aid', feed_like: 'aid' },
  ...{ repost: 'aid', follow: 'aid', block: 'aid', subject_count: 'aid', record: 'aid' },
  ...{ notice: 'aid', seen: 'aid', mute: 'aid', list_item: 'aid', list_mute: 'aid' },
  ...{ bookmark: 'aid', thread_mute: 'aid', user_list: 'aid', item_count: 'aid' },
  ...{ list_block: 'aid', list_opt_out: 'aid', verification: 'aid', tag_use: 'aid' },
  ...{ draft: 'aid', notice_preference: 'aid', push_token: 'aid', activity_subscription: 'aid' },
} as const

/** Queries that look into every piece, by the table and what is asked of it. */
const SCATTERS: readonly { table: keyof typeof KEYS; by: RegExp; why: string }[] = [
  {
    table: 'follow',
    by: /from follow where subject_aid = \? and counted = 1/,
    why: 'followers: by an index of edges here; a second table, cut by subject, where that is not enough',
  },
  { table: 'feed_like', by: /from feed_like where subject_aid = \?/, why: 'likers: as followers' },
  { table: 'repost', by: /from repost where subject_aid = \?/, why: 'reposters: as followers' },
  {
    table: 'post',
    by: /\(parent_aid, parent_rkey\) in/,
    why: 'answers of a level of a thread: as followers, cut by the account of the root',
  },
  { table: 'post', by: /quote_aid = \?/, why: 'quotes: as followers' },
  {
    table: 'list_item',
    by: /subject_aid = \? and \(aid, list_rkey\) in/,
    why: 'lists that an account is on',
  },
  {
    table: 'list_item',
    by: /cross join list_item i/,
    why: 'who of a page is on lists that somebody mutes or blocks: found from those who are on them',
  },
  { table: 'list_block', by: /cross join list_item i/, why: 'blocks by such a list: as above' },
  { table: 'subject_count', by: /likes <= \?1/, why: 'the most liked feeds of everybody' },
  { table: 'item_count', by: /items <= \?1/, why: 'the most used starter packs of everybody' },
  {
    table: 'actor_count',
    by: /followers > 0/,
    why: 'the most followed of everybody, every ten minutes',
  },
  { table: 'tag_use', by: /from tag_use/, why: 'tags of everybody, every few minutes' },
]

const COLLECTIONS = [
  ...['app.bsky.graph.list', 'app.bsky.labeler.service', 'app.bsky.graph.starterpack'],
]

/** Fills the tables with strangers: where there are ten rows every way in costs the same, and any is taken. */
async function fill(sql: Sql): Promise<void> {
  for (const table of Object.keys(KEYS)) {
    const columns = await sql.all<{ name: string; type: string }>(
      `select column_name as name, data_type as type from information_schema.columns
       where table_schema = current_schema() and table_name = ?`,
      [table],
    )
    const values = columns.map(({ name, type }) => {
      if (name === 'counted') return '1'
      if (name === 'collection') return `(array['${COLLECTIONS.join("','")}'])[n % 3 + 1]`
      return { bigint: 'n', text: `'r' || n`, bytea: `'\\x00'` }[type]!
    })
    await sql.run(`insert into ${table} (${columns.map(({ name }) => name).join()})
      select ${values.join()} from generate_series(2000000, 2004000) n`)
  }
  await sql.run('analyze')
}

interface Plan {
  'Relation Name'?: string
  'Actual Loops'?: number
  Plans?: Plan[]
}

/** Which pieces of which tables were looked into. */
function piecesOf(plan: Plan, found = new Map<string, Set<string>>()): Map<string, Set<string>> {
  const [, table, piece] = /^(\w+)_p(\d+)$/.exec(plan['Relation Name'] ?? '') ?? []
  if (table !== undefined && plan['Actual Loops']! > 0) {
    if (!found.has(table)) found.set(table, new Set())
    found.get(table)!.add(piece!)
  }
  for (const part of plan.Plans ?? []) piecesOf(part, found)
  return found
}

const FIRST_AID = 1_000_001
const isAccount = (one: SqlValue) =>
  typeof one === 'string'
    ? one.startsWith('did:')
    : // Zero is nobody, who fills up a list.
      one === 0 || (Number(one) >= FIRST_AID && Number(one) < FIRST_AID + 1_000)
const accountsOf = (params: SqlParams) => new Set(params.filter(isAccount)).size

test('each query goes to one piece for each account it names, or is known to look everywhere', {
  skip: noPostgres(),
}, async (t) => {
  const { world, asked, all } = await everyRead({ index: () => openInPieces(KEYS, PIECES) })
  t.after(() => world.close())
  await fill(world.sql)
  const used = new Set<object>()
  const unknown: string[] = []
  let looked = 0
  for (const [sql, params] of asked) {
    const [row] = await all<Record<string, string>>(
      `explain (analyze, format json, costs off, timing off, summary off) ${sql}`,
      params,
    )
    const [{ Plan: plan }] = JSON.parse(Object.values(row!)[0]!) as [{ Plan: Plan }]
    const text = sql.replace(/\s+/g, ' ')
    for (const [table, pieces] of piecesOf(plan)) {
      looked++
      if (pieces.size <= Math.max(1, accountsOf(params))) continue
      const known = SCATTERS.find((one) => one.table === table && one.by.test(text))
      if (known) used.add(known)
      else unknown.push(`${pieces.size} pieces of ${table}: ${text}`)
    }
  }
  assert.deepEqual(unknown, [])
  assert.ok(looked > 40, `${looked} tables were looked into`)
  const idle = SCATTERS.filter((one) => !used.has(one))
  assert.deepEqual(idle, [], 'what looks everywhere no more is taken off the list')
})
