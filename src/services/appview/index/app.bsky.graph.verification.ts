import type { AppBskyGraphVerification } from '@atcute/bluesky'
import { equalBytes } from '#protocol/data'
import { type CollectionIndex, rkeysOf } from './collection.ts'

/** An account says that another is who it says it is. Who is trusted to is decided at reading. */
export const verificationIndex: CollectionIndex = {
  collection: 'app.bsky.graph.verification',

  async put(batch, { aid, rkey, cid, value }) {
    const { subject, handle, displayName, createdAt } = value as AppBskyGraphVerification.Main
    const known = await batch.sql.get<{ cid: Uint8Array }>(
      'select cid from verification where aid = ? and rkey = ?',
      [aid, rkey],
    )
    if (known !== undefined && equalBytes(known.cid, cid)) return
    if (known !== undefined) await this.remove(batch, aid, rkey)
    const subjectAid = await batch.aidOf(subject)
    await batch.sql.run(
      `insert into verification (aid, rkey, subject_aid, handle, display_name, created_at, cid)
       values (?, ?, ?, ?, ?, ?, ?)`,
      [aid, rkey, subjectAid, handle, displayName, createdAt, cid],
    )
    batch.changed.actors.add(subjectAid)
  },

  async remove(batch, aid, rkey) {
    const gone = await batch.sql.get<{ subject_aid: number }>(
      'delete from verification where aid = ? and rkey = ? returning subject_aid',
      [aid, rkey],
    )
    if (gone !== undefined) batch.changed.actors.add(gone.subject_aid)
  },

  rkeys: (...args) => rkeysOf('verification', ...args),
}
