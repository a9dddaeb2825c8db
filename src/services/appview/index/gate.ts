import type { Nsid } from '#protocol/syntax'
import { type CollectionIndex, RKEY_END, UnusableRecord } from './collection.ts'

/** A gate says of a post who may answer or quote it, and has the post's record key. */
export function gateIndex(collection: Nsid): CollectionIndex {
  return {
    collection,

    async put(batch, { aid, did, rkey, cid, value, seenMs }) {
      const { post } = value as { post: string }
      if (post !== `at://${did}/app.bsky.feed.post/${rkey}`)
        throw new UnusableRecord('a gate for a post that it does not sit beside')
      const { changes } = await batch.sql.run(
        `insert into record (aid, collection, rkey, cid, body, indexed_ms)
         values (?, ?, ?, ?, ?, ?) on conflict (aid, collection, rkey) do update
         set cid = excluded.cid, body = excluded.body, indexed_ms = excluded.indexed_ms
         where cid <> excluded.cid`,
        [aid, collection, rkey, cid, JSON.stringify(value), seenMs],
      )
      if (changes > 0) batch.changed.posts.add(`${aid}/${rkey}`)
    },

    async remove(batch, aid, rkey) {
      await batch.sql.run('delete from record where aid = ? and collection = ? and rkey = ?', [
        aid,
        collection,
        rkey,
      ])
      batch.changed.posts.add(`${aid}/${rkey}`)
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
