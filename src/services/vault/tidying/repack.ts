import type { Sealer } from '#platform/runtime'
import type { Blobs, Sql } from '#platform/storage'
import { bytesKey, type CarBlock, type CidBytes } from '#protocol/data'
import { type KeptAccount, type Packs, runs } from '../kept/index.ts'

export interface RepackParts {
  sql: Sql
  store: Blobs
  packs: Packs
}

interface PackRow {
  pid: number
  inline: number
  file: string | null
  size: number
  blocks: number
  live: number
}

/** So much in the database, unpacked, is worth a file in the store. */
const INLINE_BYTES = 256 * 1024
const INLINE_PACKS = 64
/** Packs are gathered up to this before they are written anew. */
const GATHERED_BYTES = 8 * 1024 * 1024

/** Joins small packs into large ones, writes anew those that are half empty, and drops empty ones. */
export async function repack(
  parts: RepackParts,
  account: KeptAccount,
  sealer: Sealer,
  signal: AbortSignal,
): Promise<void> {
  const { sql } = parts
  const rows = await sql.all<PackRow>(
    `select pid, bytes is not null as inline, file, size, blocks,
       (select count(*) from block where block.pid = pack.pid) as live
     from pack where aid = ? order by pid`,
    [account.aid],
  )
  const small = rows.filter(({ inline, live }) => inline === 1 && live > 0)
  const smallBytes = small.reduce((sum, { size }) => sum + size, 0)
  const joins = smallBytes >= INLINE_BYTES || small.length >= INLINE_PACKS
  let gathered: PackRow[] = []
  let bytes = 0
  for (const row of rows) {
    if (signal.aborted) return
    const isSparse = row.inline === 0 && row.live * 2 < row.blocks
    if (row.live > 0 && !(isSparse || (row.inline === 1 && joins))) continue
    gathered.push(row)
    bytes += row.size
    if (bytes < GATHERED_BYTES) continue
    await rewrite(parts, account, sealer, gathered)
    gathered = []
    bytes = 0
  }
  if (gathered.length > 0) await rewrite(parts, account, sealer, gathered)
}

async function rewrite(
  { sql, store, packs }: RepackParts,
  account: KeptAccount,
  sealer: Sealer,
  rows: readonly PackRow[],
): Promise<void> {
  const { aid } = account
  const blocks: CarBlock[] = []
  const from = new Map<string, number>()
  for (const { pid, live } of rows) {
    if (live === 0) continue
    const alive = await sql.all<{ cid: CidBytes }>('select cid from block where pid = ?', [pid])
    const keys = new Set(alive.map(({ cid }) => bytesKey(cid)))
    for (const block of (await packs.open(account, sealer, pid)) ?? []) {
      const key = bytesKey(block.cid)
      if (!keys.has(key) || from.has(key)) continue
      from.set(key, pid)
      blocks.push(block)
    }
  }
  for (const run of runs(blocks)) {
    await packs.addStored(account, sealer, run, async (sql, pid) => {
      await sql.runMany(
        'update block set pid = ? where aid = ? and cid = ? and pid = ?',
        run.map(({ cid }) => [pid, aid, cid, from.get(bytesKey(cid))!]),
      )
    })
  }
  const files = await sql.transaction(async (sql) => {
    const gone: string[] = []
    for (const { pid, file } of rows) {
      const { changes } = await sql.run(
        'delete from pack where pid = ? and not exists (select 1 from block where block.pid = pack.pid)',
        [pid],
      )
      if (changes === 0 || file === null) continue
      await sql.run('insert into doomed (key) values (?) on conflict do nothing', [file])
      gone.push(file)
    }
    return gone
  })
  await removeDoomed({ sql, store }, files)
}

/** Removes files from the store that nothing refers to any more. */
export async function removeDoomed(
  { sql, store }: { sql: Sql; store: Blobs },
  keys: readonly string[],
): Promise<void> {
  if (keys.length === 0) return
  await store.delete(keys)
  await sql.runMany(
    'delete from doomed where key = ?',
    keys.map((key) => [key]),
  )
}
