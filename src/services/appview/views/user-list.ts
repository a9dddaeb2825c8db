import type { Hydration } from '../read/hydrate.ts'
import { LIST, type UserList } from '../read/user-lists.ts'
import { type Actor, profileView } from './actor.ts'
import { arrayOf, type Json, quote, textMember } from './json.ts'

/** `app.bsky.graph.defs#listView` of each whose owner may be shown. */
export function listViews(lists: readonly UserList[], h: Hydration): Json {
  return arrayOf(lists.map((list) => listView(list, h)).filter((view) => view !== undefined))
}

export function listView(list: UserList, h: Hydration): Json | undefined {
  const creator = h.actors.get(list.aid)
  if (creator === undefined) return undefined
  const { rkey, cid, record, indexedMs, itemCount, isMuted } = list
  const viewer = h.viewer === undefined ? '' : `,"viewer":{"muted":${isMuted}}`
  return (
    `{"uri":"at://${creator.did}/${LIST}/${rkey}","cid":"${cid}"` +
    `,"name":${quote(record.name as string)},"purpose":${quote(record.purpose as string)}` +
    `,"creator":${profileView(creator, h.relations.get(list.aid))}` +
    textMember('description', record.description as string | undefined) +
    `,"listItemCount":${itemCount}${viewer},"indexedAt":"${new Date(indexedMs).toISOString()}"}`
  )
}

/** `app.bsky.graph.defs#listViewBasic` of each whose owner may be shown. */
export function listBasics(
  lists: readonly UserList[],
  owners: ReadonlyMap<number, Pick<Actor, 'did'>>,
  viewerAid: number,
): Json {
  return arrayOf(
    lists.map((list) => listBasic(list, owners, viewerAid)).filter((view) => view !== undefined),
  )
}

function listBasic(
  { aid, rkey, cid, record, indexedMs, itemCount, isMuted }: UserList,
  owners: ReadonlyMap<number, Pick<Actor, 'did'>>,
  viewerAid: number,
): Json | undefined {
  const owner = owners.get(aid)
  if (owner === undefined) return undefined
  const viewer = viewerAid === 0 ? '' : `,"viewer":{"muted":${isMuted}}`
  return (
    `{"uri":"at://${owner.did}/${LIST}/${rkey}","cid":"${cid}"` +
    `,"name":${quote(record.name as string)},"purpose":${quote(record.purpose as string)}` +
    `,"listItemCount":${itemCount}${viewer},"indexedAt":"${new Date(indexedMs).toISOString()}"}`
  )
}
