import type { AppBskyGraphList } from '@atcute/bluesky'
import type { Batch } from './batch.ts'
import type { CollectionIndex } from './collection.ts'
import { keptRecordIndex } from './kept-record.ts'
import { LIST, LIST_PURPOSES, listChanged } from './list.ts'

const records = keptRecordIndex({ collection: LIST })

/** A list of accounts: its name and what it is for. Who is on it are records of their own. */
export const listIndex: CollectionIndex = {
  ...records,

  async put(batch, record) {
    await records.put(batch, record)
    const { aid, rkey, value } = record
    const purpose = purposeOf(value as AppBskyGraphList.Main)
    const known = await batch.sql.get<{ purpose: number }>(
      'select purpose from user_list where aid = ? and rkey = ?',
      [aid, rkey],
    )
    if (known?.purpose === purpose) return
    await batch.sql.run(
      `insert into user_list (aid, rkey, purpose) values (?, ?, ?)
       on conflict (aid, rkey) do update set purpose = excluded.purpose`,
      [aid, rkey, purpose],
    )
    if (known !== undefined) count(batch, aid, known.purpose, -1)
    count(batch, aid, purpose, 1)
    if (known === undefined) await listChanged(batch, { aid, rkey })
  },

  async remove(batch, aid, rkey) {
    await records.remove(batch, aid, rkey)
    const gone = await batch.sql.get<{ purpose: number }>(
      'delete from user_list where aid = ? and rkey = ? returning purpose',
      [aid, rkey],
    )
    if (gone === undefined) return
    count(batch, aid, gone.purpose, -1)
    await listChanged(batch, { aid, rkey })
  },
}

function purposeOf({ purpose }: AppBskyGraphList.Main): number {
  const known = LIST_PURPOSES.findIndex((name) => purpose === `app.bsky.graph.defs#${name}`)
  return Math.max(0, known)
}

/** Lists of references belong to something else, a starter pack, and are not counted as lists. */
function count(batch: Batch, aid: number, purpose: number, delta: 1 | -1): void {
  const name = LIST_PURPOSES[purpose]
  if (name === 'modlist' || name === 'curatelist') batch.countActor(aid, 'lists', delta)
}
