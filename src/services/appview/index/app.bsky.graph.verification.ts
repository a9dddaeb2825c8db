import type { AppBskyGraphVerification } from '@atcute/bluesky'
import { equalBytes } from '#protocol/data'
import type { Batch } from './batch.ts'
import { type CollectionIndex, rkeysOf, sortUsOf } from './collection.ts'

/** An account says that another is who it says it is. Who is trusted to is decided at reading. */
export const verificationIndex: CollectionIndex = {
  collection: 'app.bsky.graph.verification',

  async put(batch, { aid, rkey, cid, value, seenMs }) {
    const { subject, handle, displayName, createdAt } = value as AppBskyGraphVerification.Main
    const known = await batch.sql.get<{ cid: Uint8Array }>(
      'select cid from verification where aid = ? and rkey = ?',
      [aid, rkey],
    )
    if (known !== undefined && equalBytes(known.cid, cid)) return
    if (known !== undefined) await takeOut(batch, aid, rkey)
    const subjectAid = await batch.aidOf(subject)
    await batch.sql.run(
      `insert into verification (aid, rkey, subject_aid, handle, display_name, created_at, cid)
       values (?, ?, ?, ?, ?, ?, ?)`,
      [aid, rkey, subjectAid, handle, displayName, createdAt, cid],
    )
    batch.changed.actors.add(subjectAid)
    await batch.unnotify(aid, rkey, ['unverified'])
    const sortUs = sortUsOf(createdAt, seenMs)
    const told = { author: aid, rkey, sortUs, subject: undefined }
    await batch.notify({ recipient: subjectAid, reason: 'verified', ...told })
  },

  async remove(batch, aid, rkey) {
    const recipient = await takeOut(batch, aid, rkey)
    if (recipient === undefined) return
    const sortUs = batch.nowMs * 1000
    const told = { author: aid, rkey, sortUs, subject: undefined }
    await batch.notify({ recipient, reason: 'unverified', ...told })
  },

  rkeys: (...args) => rkeysOf('verification', ...args),
}

/** Who it was about; undefined when it was not there. */
async function takeOut(batch: Batch, aid: number, rkey: string): Promise<number | undefined> {
  const gone = await batch.sql.get<{ subject_aid: number }>(
    'delete from verification where aid = ? and rkey = ? returning subject_aid',
    [aid, rkey],
  )
  if (gone === undefined) return undefined
  batch.changed.actors.add(gone.subject_aid)
  await batch.unnotify(aid, rkey, ['verified'])
  return gone.subject_aid
}
