import { type CollectionIndex, rkeysOf, UnusableRecord } from './collection.ts'

/** The one profile of an account, kept as its record. */
export const profileIndex: CollectionIndex = {
  collection: 'app.bsky.actor.profile',

  async put(batch, { aid, rkey, cid, value, seenMs }) {
    if (rkey !== 'self') throw new UnusableRecord('a profile beside the profile')
    const { changes } = await batch.sql.run(
      `insert into profile (aid, rkey, cid, body, indexed_ms) values (?, 'self', ?, ?, ?)
       on conflict (aid) do update set cid = excluded.cid, body = excluded.body,
         indexed_ms = excluded.indexed_ms where cid <> excluded.cid`,
      [aid, cid, JSON.stringify(value), seenMs],
    )
    if (changes > 0) batch.changed.actors.add(aid)
  },

  async remove(batch, aid, rkey) {
    if (rkey !== 'self') return
    await batch.sql.run('delete from profile where aid = ?', [aid])
    batch.changed.actors.add(aid)
  },

  rkeys: (...args) => rkeysOf('profile', ...args),
}
