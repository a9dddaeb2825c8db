import type { JobRun } from '#platform/runtime'
import type { Blobs, Sql } from '#platform/storage'
import { parseDid } from '#protocol/syntax'
import type { Accounts, InTurn } from '../kept/index.ts'

export interface EraseParts {
  sql: Sql
  store: Blobs
  accounts: Accounts
  inTurn: InTurn
}

const KEYS_AT_ONCE = 500
const ROWS_AT_ONCE = 5_000

/** Removes what is left of accounts whose key was destroyed: nothing of it can be read already. */
export async function eraseRest(parts: EraseParts, { key, signal }: JobRun): Promise<void> {
  const { sql, store, accounts, inTurn } = parts
  const account = await accounts.get(parseDid(key))
  if (account?.state !== 'erased') return
  const { aid } = account
  // The wrapped key may still stand in the write-ahead file: folded in, it is overwritten there too.
  await sql.run('pragma wal_checkpoint(truncate)')
  await inTurn.run(aid, async () => {
    let keys: string[] = []
    for await (const name of store.list(`${aid}/`)) {
      keys.push(name)
      if (keys.length < KEYS_AT_ONCE) continue
      await store.delete(keys)
      keys = []
      if (signal.aborted) return
    }
    await store.delete(keys)
    for (const [table, id] of TABLES) {
      const some = `select ${id} from ${table} where aid = ? limit ${ROWS_AT_ONCE}`
      const statement = `delete from ${table} where aid = ? and (${id}) in (${some})`
      while ((await sql.run(statement, [aid, aid])).changes > 0) if (signal.aborted) return
    }
  })
}

const TABLES = [
  ['block', 'cid'],
  ['pack', 'pid'],
  ['instant', 'rev'],
  ['mention', 'record'],
  ['blob', 'cid'],
  ['private_state', 'id'],
] as const
