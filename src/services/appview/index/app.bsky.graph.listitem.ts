import type { AppBskyGraphListitem } from '@atcute/bluesky'
import type { Batch } from './batch.ts'
import { type CollectionIndex, type IndexedRecord, rkeysOf, UnusableRecord } from './collection.ts'
import { itemChanged, LIST, listOf } from './list.ts'

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
    batch.countItems(aid, `${LIST}/${listRkey}`, 1)
    await itemChanged(batch, { aid, rkey: listRkey }, subject)
  },

  async remove(batch, aid, rkey) {
    const known = await rowOf(batch, aid, rkey)
    if (known === undefined) return
    await batch.sql.run('delete from list_item where aid = ? and rkey = ?', [aid, rkey])
    batch.countItems(aid, `${LIST}/${known.list_rkey}`, -1)
    await itemChanged(batch, { aid, rkey: known.list_rkey }, known.subject_aid)
  },

  rkeys: (...args) => rkeysOf('list_item', ...args),
}

/** The record key of the list. Nobody puts others on somebody else's list. */
function ownListOf({ did, value }: IndexedRecord): string {
  const list = listOf((value as AppBskyGraphListitem.Main).list)
  if (list?.did !== did) throw new UnusableRecord('an item of no list of its author')
  return list.rkey
}

function rowOf(batch: Batch, aid: number, rkey: string) {
  return batch.sql.get<{ list_rkey: string; subject_aid: number }>(
    'select list_rkey, subject_aid from list_item where aid = ? and rkey = ?',
    [aid, rkey],
  )
}
