import type { AppBskyActorProfile } from '@atcute/bluesky'
import { type Did, isAtUri, parseAtUri } from '#protocol/syntax'
import { STARTER_PACK } from './app.bsky.graph.starterpack.ts'
import type { Batch } from './batch.ts'
import {
  type CollectionIndex,
  type IndexedRecord,
  rkeysOf,
  sortUsOf,
  UnusableRecord,
} from './collection.ts'

/** The one profile of an account, kept as its record, and the starter pack it came by. */
export const profileIndex: CollectionIndex = {
  collection: 'app.bsky.actor.profile',

  async put(batch, record) {
    const { aid, rkey, cid, value, seenMs } = record
    if (rkey !== 'self') throw new UnusableRecord('a profile beside the profile')
    const { changes } = await batch.sql.run(
      `insert into profile (aid, rkey, cid, body, indexed_ms) values (?, 'self', ?, ?, ?)
       on conflict (aid) do update set cid = excluded.cid, body = excluded.body,
         indexed_ms = excluded.indexed_ms where profile.cid <> excluded.cid`,
      [aid, cid, JSON.stringify(value), seenMs],
    )
    if (changes === 0) return
    batch.changed.actors.add(aid)
    await join(batch, record)
  },

  async remove(batch, aid, rkey) {
    if (rkey !== 'self') return
    const { changes } = await batch.sql.run('delete from profile where aid = ?', [aid])
    if (changes === 0) return
    batch.changed.actors.add(aid)
    await leave(batch, aid)
  },

  rkeys: (...args) => rkeysOf('profile', ...args),
}

async function join(batch: Batch, { aid, did, value, seenMs }: IndexedRecord): Promise<void> {
  await leave(batch, aid)
  const { joinedViaStarterPack, createdAt } = value as AppBskyActorProfile.Main
  const pack = joinedViaStarterPack && packOf(joinedViaStarterPack.uri)
  // Nobody makes an own pack look popular by themselves.
  if (!pack || pack.did === did) return
  const packAid = await batch.aidOf(pack.did)
  const sortUs = sortUsOf(createdAt ?? '', seenMs)
  await batch.sql.run(
    'insert into pack_join (aid, pack_aid, pack_rkey, sort_us) values (?, ?, ?, ?)',
    [aid, packAid, pack.rkey, sortUs],
  )
  batch.countItems(packAid, `${STARTER_PACK}/${pack.rkey}`, 1)
  const subject = { aid: packAid, rkey: pack.rkey }
  const joined = {
    author: aid,
    rkey: 'self',
    reason: 'starterpack-joined',
    sortUs,
    subject,
  } as const
  await batch.notify({ recipient: packAid, ...joined })
}

async function leave(batch: Batch, aid: number): Promise<void> {
  const gone = await batch.sql.get<{ pack_aid: number; pack_rkey: string }>(
    'delete from pack_join where aid = ? returning pack_aid, pack_rkey',
    [aid],
  )
  if (gone === undefined) return
  batch.countItems(gone.pack_aid, `${STARTER_PACK}/${gone.pack_rkey}`, -1)
  await batch.unnotify(aid, 'self', ['starterpack-joined'])
}

function packOf(uri: string): { did: Did; rkey: string } | undefined {
  if (!isAtUri(uri)) return undefined
  const { authority, collection, rkey } = parseAtUri(uri)
  if (!authority.startsWith('did:') || collection !== STARTER_PACK || rkey === undefined)
    return undefined
  return { did: authority as Did, rkey }
}
