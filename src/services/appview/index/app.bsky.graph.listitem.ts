import type { AppBskyGraphListitem } from '@atcute/bluesky'
import { isAtUri, parseAtUri } from '#protocol/syntax'
import type { Batch } from './batch.ts'
import { type CollectionIndex, type IndexedRecord, rkeysOf, UnusableRecord } from './collection.ts'

/** Somebody on a list of the same account. */
export const listitemIndex: CollectionIndex = {
  collection: 'app.bsky.graph.listitem',

  async put(batch, record) {
    const { aid, rkey, cid, value } = record
    const listRkey = ownListOf(record)
    const subject = await batch.aidOf((value as AppBskyGraphListitem.Main).subject)
    const known = await rowOf(batch, aid, rkey)
    if (known?.list_rkey === listRkey && known.subject_aid === subject) return
    if (known !== undefined) await this.remove(batch, aid, rkey)
    await batch.sql.run(
      'insert into list_item (aid, rkey, list_rkey, subject_aid, cid) values (?, ?, ?, ?, ?)',
      [aid, rkey, listRkey, subject, cid],
    )
    await tellMuters(batch, aid, listRkey, subject)
  },

  async remove(batch, aid, rkey) {
    const known = await rowOf(batch, aid, rkey)
    if (known === undefined) return
    await batch.sql.run('delete from list_item where aid = ? and rkey = ?', [aid, rkey])
    await tellMuters(batch, aid, known.list_rkey, known.subject_aid)
  },

  rkeys: (...args) => rkeysOf('list_item', ...args),
}

/** The record key of the list. Nobody puts others on somebody else's list. */
function ownListOf({ did, value }: IndexedRecord): string {
  const { list } = value as AppBskyGraphListitem.Main
  const { authority, collection, rkey } = isAtUri(list) ? parseAtUri(list) : {}
  if (authority !== did || collection !== 'app.bsky.graph.list' || rkey === undefined)
    throw new UnusableRecord('an item of no list of its author')
  return rkey
}

function rowOf(batch: Batch, aid: number, rkey: string) {
  return batch.sql.get<{ list_rkey: string; subject_aid: number }>(
    'select list_rkey, subject_aid from list_item where aid = ? and rkey = ?',
    [aid, rkey],
  )
}

/** Those who mute the list stand otherwise to the account now. */
async function tellMuters(batch: Batch, aid: number, listRkey: string, subject: number) {
  const muters = await batch.sql.all<{ aid: number }>(
    'select aid from list_mute where list_aid = ? and list_rkey = ?',
    [aid, listRkey],
  )
  for (const muter of muters) batch.changed.pairs.push([muter.aid, subject])
}
