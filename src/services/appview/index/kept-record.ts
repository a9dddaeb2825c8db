import type { Nsid } from '#protocol/syntax'
import type { Batch } from './batch.ts'
import { type CollectionIndex, type IndexedRecord, RKEY_END } from './collection.ts'

/** How a record that is only kept (not counted, in no feed) is looked at as it comes and goes. */
export interface KeptRecord {
  collection: Nsid
  /** Throws UnusableRecord for what no view could show. */
  check(record: IndexedRecord): void
  /** Told when the record came, changed or went. */
  changed?(batch: Batch, aid: number, rkey: string): void
}

/** Keeps records of a collection as they are, by their key. */
export function keptRecordIndex({ collection, check, changed }: KeptRecord): CollectionIndex {
  return {
    collection,

    async put(batch, record) {
      check(record)
      const { aid, rkey, cid, value, seenMs } = record
      const { changes } = await batch.sql.run(
        `insert into record (aid, collection, rkey, cid, body, indexed_ms)
         values (?, ?, ?, ?, ?, ?) on conflict (aid, collection, rkey) do update
         set cid = excluded.cid, body = excluded.body, indexed_ms = excluded.indexed_ms
         where cid <> excluded.cid`,
        [aid, collection, rkey, cid, JSON.stringify(value), seenMs],
      )
      if (changes > 0) changed?.(batch, aid, rkey)
    },

    async remove(batch, aid, rkey) {
      await batch.sql.run('delete from record where aid = ? and collection = ? and rkey = ?', [
        aid,
        collection,
        rkey,
      ])
      changed?.(batch, aid, rkey)
    },

    async rkeys(batch, aid, { after, upTo, limit }) {
      const rows = await batch.sql.all<{ rkey: string }>(
        `select rkey from record where aid = ? and collection = ? and rkey > ? and rkey <= ?
         order by rkey limit ?`,
        [aid, collection, after, upTo ?? RKEY_END, limit],
      )
      return rows.map((row) => row.rkey)
    },
  }
}
