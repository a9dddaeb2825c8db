import type { Batch } from './batch.ts'
import { type CollectionIndex, rkeysOf, UnusableRecord } from './collection.ts'
import { type ListKey, listOf } from './list.ts'

/** What a sort of record about a list does besides pointing at it. */
export interface ListRefKind {
  collection: CollectionIndex['collection']
  table: 'list_block' | 'list_opt_out'
  /** Throws UnusableRecord when the account may have no more of them. */
  check?(batch: Batch, aid: number): Promise<void>
  /** The record came or went. */
  changed?(batch: Batch, aid: number, list: ListKey): Promise<void>
}

interface Row {
  list_aid: number
  list_rkey: string
}

/** Indexes records whose subject is a list of anybody's. */
export function listRefIndex<R extends { subject: string }>(kind: ListRefKind): CollectionIndex {
  const { table, check, changed } = kind
  const index: CollectionIndex = {
    collection: kind.collection,

    async put(batch, { aid, rkey, cid, value }) {
      const list = listOf((value as R).subject)
      if (list === undefined) throw new UnusableRecord('about something that is no list')
      const listAid = await batch.aidOf(list.did)
      const known = await batch.sql.get<Row>(
        `select list_aid, list_rkey from ${table} where aid = ? and rkey = ?`,
        [aid, rkey],
      )
      if (known?.list_aid === listAid && known.list_rkey === list.rkey) return
      if (known !== undefined) await index.remove(batch, aid, rkey)
      await check?.(batch, aid)
      await batch.sql.run(
        `insert into ${table} (aid, rkey, list_aid, list_rkey, cid) values (?, ?, ?, ?, ?)`,
        [aid, rkey, listAid, list.rkey, cid],
      )
      await changed?.(batch, aid, { aid: listAid, rkey: list.rkey })
    },

    async remove(batch, aid, rkey) {
      const gone = await batch.sql.get<Row>(
        `delete from ${table} where aid = ? and rkey = ? returning list_aid, list_rkey`,
        [aid, rkey],
      )
      if (gone !== undefined)
        await changed?.(batch, aid, { aid: gone.list_aid, rkey: gone.list_rkey })
    },

    rkeys: (...args) => rkeysOf(table, ...args),
  }
  return index
}
