import type { Sealer } from '#platform/runtime'
import type { Sql } from '#platform/storage'
import type { CidBytes } from '#protocol/data'
import { type Instant, instantOf, type KeptAccount, KeptBlobs } from '../kept/index.ts'
import { Marks } from './mark.ts'
import { type RepackParts, removeDoomed } from './repack.ts'

/** Rows of one transaction: others wait no longer than for a batch of events. */
const ROWS_MAX = 2_000
const PAGE = 20_000

type Row = Parameters<typeof instantOf>[0] & { linked: number }

const SELECT = `select rev, time_ms, cid, data, prev, key, linked from instant where aid = ? and rev > ? order by rev`

/** What a sweep came to. */
export interface Swept {
  blocks: number
  /** Instants that could not be given back any more: a block of them was lost. */
  broken: number
}

/**
 * Removes blocks that no instant leads to, and blobs that no record of them mentions. What comes in
 * meanwhile is looked at again in each transaction that removes something.
 */
export async function sweep(
  parts: RepackParts,
  account: KeptAccount,
  sealer: Sealer,
  signal: AbortSignal,
): Promise<Swept> {
  const { sql, packs } = parts
  const { aid } = account
  const marks = new Marks(packs.reader(account, sealer))
  const swept: Swept = { blocks: 0, broken: 0 }
  let seen = ''
  for (const row of await sql.all<Row>(SELECT, [aid, seen])) {
    const isWhole = await marks.add(instantOf(row))
    seen = row.rev
    if (isWhole || row.linked === 0 || row.rev === account.rev) continue
    await sql.run('delete from instant where aid = ? and rev = ?', [aid, row.rev])
    swept.broken++
  }
  let after: CidBytes = new Uint8Array() as CidBytes
  for (;;) {
    const page = await sql.all<{ cid: CidBytes }>(
      'select cid from block where aid = ? and cid > ? order by cid limit ?',
      [aid, after, PAGE],
    )
    const dead = page.map(({ cid }) => cid).filter((cid) => !marks.has(cid))
    for (let at = 0; at < dead.length && !signal.aborted; at += ROWS_MAX) {
      const some = dead.slice(at, at + ROWS_MAX)
      swept.blocks += await sql.transaction(async (sql) => {
        seen = await markNewer(sql, marks, aid, seen)
        const rows = some.filter((cid) => !marks.has(cid)).map((cid) => [aid, cid])
        await sql.runMany('delete from block where aid = ? and cid = ?', rows)
        await sql.runMany('delete from mention where aid = ? and record = ?', rows)
        return rows.length
      })
    }
    if (page.length < PAGE || signal.aborted) break
    after = page.at(-1)!.cid
  }
  await forgetBlobs(parts, account)
  return swept
}

/** Marks what came since; the last rev that was looked at. */
async function markNewer(sql: Sql, marks: Marks, aid: number, seen: string): Promise<string> {
  let last = seen
  for (const row of await sql.all<Row>(SELECT, [aid, seen])) {
    await marks.add(instantOf(row) satisfies Instant)
    last = row.rev
  }
  return last
}

/** Blobs that nothing mentions any more. */
async function forgetBlobs({ sql, store }: RepackParts, { aid }: KeptAccount): Promise<void> {
  const keys = await sql.transaction(async (sql) => {
    const rows = await sql.all<{ cid: CidBytes }>(
      `select cid from blob where aid = ? and not exists
         (select 1 from mention where mention.aid = blob.aid and mention.blob = blob.cid)`,
      [aid],
    )
    await sql.runMany(
      'delete from blob where aid = ? and cid = ?',
      rows.map(({ cid }) => [aid, cid]),
    )
    const names = rows.map(({ cid }) => KeptBlobs.key({ aid }, cid))
    await sql.runMany(
      'insert into doomed (key) values (?) on conflict do nothing',
      names.map((name) => [name]),
    )
    return names
  })
  await removeDoomed({ sql, store }, keys)
}
