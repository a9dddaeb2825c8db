import type { Nsid } from '#protocol/syntax'
import type { ActorColumn, Batch } from './batch.ts'
import { type CollectionIndex, type IndexedRecord, RKEY_END, UnusableRecord } from './collection.ts'

/** How a record that is only kept (not counted, in no feed) is looked at as it comes and goes. */
export interface KeptRecord {
  collection: Nsid
  /** Throws UnusableRecord for what no view could show. */
  check?(record: IndexedRecord): void
  /** Told when the record came, changed or went. */
  changed?(batch: Batch, aid: number, rkey: string): Promise<void> | void
  /** The number of its account's records of this sort, where somebody wants to know it. */
  counted?: ActorColumn
}

/** Keeps records of a collection as they are, by their key. */
export function keptRecordIndex(kind: KeptRecord): CollectionIndex {
  const { collection, check, changed, counted } = kind
  return {
    collection,

    async put(batch, record) {
      check?.(record)
      const { aid, rkey, cid, value, seenMs } = record
      const body = JSON.stringify(value)
      const { changes: came } = await batch.sql.run(
        `insert into record (aid, collection, rkey, cid, body, indexed_ms)
         values (?, ?, ?, ?, ?, ?) on conflict (aid, collection, rkey) do nothing`,
        [aid, collection, rkey, cid, body, seenMs],
      )
      if (came > 0 && counted) batch.countActor(aid, counted, 1)
      const { changes } =
        came > 0
          ? { changes: came }
          : await batch.sql.run(
              `update record set cid = ?, body = ?, indexed_ms = ?
               where aid = ? and collection = ? and rkey = ? and cid <> ?`,
              [cid, body, seenMs, aid, collection, rkey, cid],
            )
      if (changes > 0) await changed?.(batch, aid, rkey)
    },

    async remove(batch, aid, rkey) {
      const { changes } = await batch.sql.run(
        'delete from record where aid = ? and collection = ? and rkey = ?',
        [aid, collection, rkey],
      )
      if (changes === 0) return
      if (counted) batch.countActor(aid, counted, -1)
      await changed?.(batch, aid, rkey)
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

/** Keeps what an account says of itself in one record of its own collection, shown in its views. */
export function selfRecordIndex(collection: Nsid): CollectionIndex {
  return keptRecordIndex({
    collection,
    check({ rkey }) {
      if (rkey !== 'self')
        throw new UnusableRecord('a record beside the only one of its collection')
    },
    changed: (batch, aid) => void batch.changed.actors.add(aid),
  })
}

/** The largest record kept of a collection that nobody here knows, as JSON. */
const RAW_LENGTH_MAX = 200_000

/** Keeps records of a collection that no view knows, for readers of their own. */
export function rawIndex(collection: Nsid): CollectionIndex {
  return keptRecordIndex({
    collection,
    check({ value }) {
      if (JSON.stringify(value).length > RAW_LENGTH_MAX) throw new UnusableRecord('too large')
    },
  })
}
