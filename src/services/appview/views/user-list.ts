import type { Blob } from '@atcute/lexicons'
import type { Hydration, Viewer } from '../read/hydrate.ts'
import type { Relation } from '../read/relations.ts'
import { LIST, type ListItem, type UserList } from '../read/user-lists.ts'
import { type Actor, profileView } from './actor.ts'
import type { MediaUrls } from './images.ts'
import { arrayOf, type Json, member, quote, textMember } from './json.ts'

/** What the pages of lists know besides accounts. */
export interface ListsHydration extends Hydration {
  /** Labels by AT-URI. What is not to be shown is missing. */
  recordLabels: ReadonlyMap<string, Json>
  urls: MediaUrls
}

export function listUri({ did, rkey }: Pick<UserList, 'did' | 'rkey'>): string {
  return `at://${did}/${LIST}/${rkey}`
}

/** Whether a list's owner, and the list itself, may be shown. */
export function listIsThere(list: UserList, h: ListsHydration): boolean {
  return h.actors.has(list.aid) && h.recordLabels.has(listUri(list))
}

/** `app.bsky.graph.defs#listView` of each. */
export function listViews(lists: readonly UserList[], h: ListsHydration): Json {
  return arrayOf(lists.map((list) => listView(list, h)))
}

/** `app.bsky.graph.defs#listView` of a list that is there. */
export function listView(list: UserList, h: ListsHydration): Json {
  const { record } = list
  const creator = profileView(h.actors.get(list.aid)!, h.relations.get(list.aid))
  const labels = h.recordLabels.get(listUri(list))
  return (
    `{${basicMembers(list, h.viewer, { labels, urls: h.urls })},"creator":${creator}` +
    textMember('description', record.description as string | undefined) +
    member(
      'descriptionFacets',
      record.descriptionFacets ? quote(record.descriptionFacets) : undefined,
    ) +
    '}'
  )
}

/** `app.bsky.graph.defs#listViewBasic` of each whose owner may be shown. */
export function listBasics(
  lists: readonly UserList[],
  owners: ReadonlyMap<number, Pick<Actor, 'did'>>,
  viewerAid: number,
): Json {
  const shown = lists.filter(({ aid }) => owners.has(aid))
  return arrayOf(shown.map((list) => listBasic(list, viewerAid === 0 ? undefined : {})))
}

/** `app.bsky.graph.defs#listViewBasic`. */
export function listBasic(
  list: UserList,
  viewer: Partial<Viewer> | undefined,
  more: { labels?: Json | undefined; urls?: MediaUrls | undefined } = {},
): Json {
  return `{${basicMembers(list, viewer, more)}}`
}

function basicMembers(
  list: UserList,
  viewer: Partial<Viewer> | undefined,
  { labels, urls }: { labels?: Json | undefined; urls?: MediaUrls | undefined },
): string {
  const { did, cid, record, indexedMs, itemCount } = list
  const avatar = urls && (record.avatar as Blob | undefined)
  return (
    `"uri":"${listUri(list)}","cid":"${cid}"` +
    `,"name":${quote(record.name as string)},"purpose":${quote(record.purpose as string)}` +
    (avatar ? `,"avatar":"${urls.image('avatar', did, avatar)}"` : '') +
    `,"listItemCount":${itemCount}${member('labels', labels)}${viewerMember(list, viewer)}` +
    `,"indexedAt":"${new Date(indexedMs).toISOString()}"`
  )
}

function viewerMember(
  { isMuted, block, optOut }: UserList,
  viewer: Partial<Viewer> | undefined,
): string {
  if (viewer === undefined) return ''
  const own = (collection: string, rkey: string | undefined) =>
    viewer.did && rkey && quote(`at://${viewer.did}/app.bsky.graph.${collection}/${rkey}`)
  const blocked = member('blocked', own('listblock', block))
  const optedOut = member('referenceListOptOut', own('referencelistoptout', optOut))
  return `,"viewer":{"muted":${isMuted}${blocked}${optedOut}}`
}

/**
 * A relation whose `viewer` names the lists behind it. A client takes a block by list back by the
 * list, so that stands where an own block would.
 */
export function relationByLists(
  relation: Relation,
  lists: ReadonlyMap<string, UserList>,
  viewer: Viewer,
): Relation {
  const muting = relation.lists?.muting && lists.get(relation.lists.muting.list)
  const blocking = relation.lists?.blocking && lists.get(relation.lists.blocking.list)
  const uri = blocking && relation.blocking === undefined ? quote(listUri(blocking)) : undefined
  const more =
    member('mutedByList', muting && listBasic(muting, viewer)) +
    member('blocking', uri) +
    member('blockingByList', blocking && listBasic(blocking, viewer))
  return { ...relation, viewer: `${relation.viewer.slice(0, -1)}${more}}` }
}

/** `app.bsky.graph.defs#listItemView` of somebody who may be shown. */
export function listItemView(
  list: UserList,
  { rkey, aid, isOptedOut }: ListItem,
  h: Hydration,
): Json {
  const subject = profileView(h.actors.get(aid)!, h.relations.get(aid))
  const optedOut = isOptedOut && h.viewer?.aid === list.aid ? ',"subjectOptedOut":true' : ''
  return `{"uri":"at://${list.did}/app.bsky.graph.listitem/${rkey}","subject":${subject}${optedOut}}`
}
