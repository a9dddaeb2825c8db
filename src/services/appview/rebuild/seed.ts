import type { Sql, SqlParams } from '#platform/storage'
import type { Did, Tid } from '#protocol/syntax'
import { REPAIR_JOB, repairKey } from '../index/batch.ts'
import { BACKFILL_JOB } from '../repair/backfill.ts'
import { NEIGHBOUR } from '../scope/scope.ts'

/** Rows of one transaction: whoever reads the serving index waits no longer than for one of these. */
const ROWS_AT_ONCE = 1_000
const SEEDED = 'seeded'
/** Before every rev. */
const FIRST_REV = '2222222222222' as Tid

interface Copied {
  table: string
  key: readonly string[]
  columns: readonly string[]
  where?: string
}

/** What is not in repositories, or was looked up elsewhere at some cost. Keys of accounts stay what they are. */
const COPIED: readonly Copied[] = [
  { table: 'labeler', key: ['did'], columns: ['did', 'cursor'] },
  {
    table: 'label',
    key: ['uri', 'src', 'val'],
    columns: ['uri', 'src', 'val', 'cid', 'exp_ms', 'json'],
  },
  {
    table: 'actor',
    key: ['aid'],
    columns: ['aid', 'did', 'handle', 'handle_due_ms', 'handle_failures', 'status', 'indexed_ms'],
  },
  {
    table: 'scope_account',
    key: ['aid'],
    columns: ['aid', 'kind', 'source', 'touched_ms'],
    where: `kind between 1 and ${NEIGHBOUR}`,
  },
]

/** Whether a new index has all that it begins with; else it is thrown away. */
export async function isSeeded(sql: Sql): Promise<boolean> {
  return (await sql.get('select 1 from setting where name = ?', [SEEDED])) !== undefined
}

/**
 * Fills an empty index with what it cannot fetch: who accounts are and how they stand, labels, its own
 * identity, and from where the stream is to be read. Repositories are asked for by jobs.
 */
export async function seed(
  from: Sql,
  to: Sql,
  { source, nowMs }: { source: string; nowMs: number },
) {
  // Read first: what changes while rows are copied comes again with the stream.
  const cursor = await from.get<{ seq: number }>('select seq from cursor where source = ?', [
    source,
  ])
  for (const one of COPIED) await copy(from, to, one)
  await to.transaction(async (sql) => {
    const settings = await from.all<{ name: string; value: string }>(
      `select name, value from setting where name = 'identity'`,
    )
    for (const { name, value } of settings)
      await sql.run('insert into setting (name, value) values (?, ?)', [name, value])
    if (cursor !== undefined)
      await sql.run('insert into cursor (source, seq) values (?, ?)', [source, cursor.seq])
    await askForMembers(sql, nowMs)
    await sql.run(`insert into setting (name, value) values (?, '1')`, [SEEDED])
  })
}

async function copy(from: Sql, to: Sql, { table, key, columns, where }: Copied): Promise<void> {
  const keys = key.join(', ')
  const insert = `insert into ${table} (${columns.join(', ')})
    values (${columns.map(() => '?').join(', ')})`
  const select = (after: string) => `select ${columns.join(', ')} from ${table}
    where ${where ?? '1 = 1'} ${after} order by ${keys} limit ${ROWS_AT_ONCE}`
  const next = select(`and (${keys}) > (${key.map(() => '?').join(', ')})`)
  type Row = Record<string, string | number | null>
  for (let last: Row | undefined; ; ) {
    const rows: Row[] = last
      ? await from.all<Row>(next, key.map((name) => last![name]!) as SqlParams)
      : await from.all<Row>(select(''))
    if (rows.length > 0)
      await to.runMany(
        insert,
        rows.map((row) => columns.map((name) => row[name]!)),
      )
    last = rows.at(-1)
    if (rows.length < ROWS_AT_ONCE) return
  }
}

/** Where not everybody is indexed, nobody lists who is: they were copied. */
async function askForMembers(sql: Sql, nowMs: number): Promise<void> {
  const rows = await sql.all<{ aid: number; did: Did }>(
    'select s.aid, a.did from scope_account s join actor a on a.aid = s.aid',
  )
  if (rows.length === 0) return
  await sql.run(`update actor set repair = 'scope' where aid in (select aid from scope_account)`)
  await sql.runMany(
    `insert into jobs (kind, key, payload, run_at, created_at, updated_at)
     values (?, ?, 'null', ?, ?, ?)`,
    rows.map(({ did }) => [REPAIR_JOB, repairKey(did, FIRST_REV), nowMs, nowMs, nowMs]),
  )
}

/** How far a new index is. */
export interface Progress {
  /** Every repository that the upstream lists was asked for. */
  isListed: boolean
  /** Repositories not tried yet. */
  left: number
  /** Repositories whose hosts did not give them when asked last. */
  failing: number
}

export async function progressOf(sql: Sql, source: string, hasScope: boolean): Promise<Progress> {
  const listing = await sql.get<{ state: string }>(
    'select state from jobs where kind = ? and key = ?',
    [BACKFILL_JOB, source],
  )
  const jobs = await sql.get<{ untried: number | null; failing: number | null }>(
    `select sum(case when attempts = 0 then 1 else 0 end) as untried,
       sum(case when attempts > 0 then 1 else 0 end) as failing
     from jobs where kind = ? and state = 'waiting'`,
    [REPAIR_JOB],
  )
  return {
    isListed: hasScope || listing?.state === 'done',
    left: jobs?.untried ?? 0,
    failing: jobs?.failing ?? 0,
  }
}

/** Whether no handle waits to be looked at for the first time. */
export async function handlesAreKnown(sql: Sql, nowMs: number): Promise<boolean> {
  const due = await sql.get(
    'select 1 from actor where handle_due_ms <= ? and handle_failures = 0 limit 1',
    [nowMs],
  )
  return due === undefined
}

export async function cursorOf(sql: Sql, source: string): Promise<number> {
  const row = await sql.get<{ seq: number }>('select seq from cursor where source = ?', [source])
  return row?.seq ?? 0
}
