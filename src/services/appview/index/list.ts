import { type Did, isAtUri, parseAtUri } from '#protocol/syntax'
import type { Batch } from './batch.ts'

/** Lists as the index refers to them, and who has to hear when one changes. */

export const LIST = 'app.bsky.graph.list'

export interface ListKey {
  aid: number
  rkey: string
}

/** What lists are for, as stored. */
export const LIST_PURPOSES = ['other', 'modlist', 'curatelist', 'referencelist'] as const

/** A list's owner and record key; undefined when an AT-URI names something else. */
export function listOf(uri: string): { did: Did; rkey: string } | undefined {
  if (!isAtUri(uri)) return undefined
  const { authority, collection, rkey } = parseAtUri(uri)
  if (!authority.startsWith('did:') || collection !== LIST || rkey === undefined) return undefined
  return { did: authority as Did, rkey }
}

/** Accounts told one by one of a change between two; beyond that all that is cached is forgotten. */
const TOLD_MAX = 500

/** Those who mute or block a list stand otherwise to somebody on it now. */
export async function itemChanged(batch: Batch, list: ListKey, subject: number): Promise<void> {
  batch.changed.lists.add(`${list.aid}/${list.rkey}`)
  const subscribers = await subscribersOf(batch, list, TOLD_MAX + 1)
  if (subscribers.length > TOLD_MAX) batch.changed.standings.add(subject)
  else for (const aid of subscribers) batch.changed.pairs.push([aid, subject])
}

/** Somebody began or ceased to mute or block a list, and stands otherwise to who is on it. */
export async function subscriptionChanged(batch: Batch, aid: number, list: ListKey): Promise<void> {
  const rows = await batch.sql.all<{ subject_aid: number }>(
    'select subject_aid from list_item where aid = ? and list_rkey = ? limit ?',
    [list.aid, list.rkey, TOLD_MAX + 1],
  )
  if (rows.length > TOLD_MAX) batch.changed.standings.add(aid)
  else for (const row of rows) batch.changed.pairs.push([aid, row.subject_aid])
}

/** A list came or went, and with it what it does to those on it. */
export async function listChanged(batch: Batch, list: ListKey): Promise<void> {
  if ((await subscribersOf(batch, list, 1)).length > 0) batch.changed.isEverybodyElse = true
}

async function subscribersOf(batch: Batch, { aid, rkey }: ListKey, limit: number) {
  const rows = await batch.sql.all<{ aid: number }>(
    `select aid from list_mute where list_aid = ? and list_rkey = ?
     union all select aid from list_block where list_aid = ? and list_rkey = ? limit ?`,
    [aid, rkey, aid, rkey, limit],
  )
  return rows.map((row) => row.aid)
}
