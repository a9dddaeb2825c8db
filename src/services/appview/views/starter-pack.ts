import type { GeneratorsHydration } from '../pages/generators-page.ts'
import type { Generator } from '../read/generators.ts'
import { STARTER_PACK, type StarterPack } from '../read/starter-packs.ts'
import type { ListItem, UserList } from '../read/user-lists.ts'
import { profileBasic } from './actor.ts'
import { viewerBlocks } from './feed.ts'
import { generatorIsThere, generatorView } from './generator.ts'
import { arrayOf, type Json, member } from './json.ts'
import { listBasic, listIsThere, listItemView, listUri } from './user-list.ts'

/** What the pages of starter packs know. Of basic views only accounts, labels and `urls`. */
export interface PacksHydration extends GeneratorsHydration {
  /** Lists of the packs, by key `aid/rkey`. */
  lists: ReadonlyMap<string, UserList>
  /** Some of the people on them. */
  samples: ReadonlyMap<string, readonly ListItem[]>
  /** Feeds of the packs, by AT-URI. */
  feeds: ReadonlyMap<string, Generator>
}

export function packUri({ did, rkey }: Pick<StarterPack, 'did' | 'rkey'>): string {
  return `at://${did}/${STARTER_PACK}/${rkey}`
}

/** Whether a pack's maker, and the pack itself, may be shown to the viewer. */
export function packIsThere(
  pack: StarterPack,
  h: Pick<PacksHydration, 'actors' | 'recordLabels' | 'relations'>,
): boolean {
  return h.actors.has(pack.aid) && h.recordLabels.has(packUri(pack)) && !viewerBlocks(h, pack.aid)
}

/** `app.bsky.graph.defs#starterPackViewBasic` of a pack that is there. */
export function packBasic(
  pack: StarterPack,
  h: Pick<PacksHydration, 'actors' | 'recordLabels' | 'relations'>,
): Json {
  return `{${basicMembers(pack, h)},"listItemCount":${pack.itemCount}}`
}

function basicMembers(
  pack: StarterPack,
  h: Pick<PacksHydration, 'actors' | 'recordLabels' | 'relations'>,
): string {
  const creator = profileBasic(h.actors.get(pack.aid)!, h.relations.get(pack.aid))
  const uri = packUri(pack)
  return (
    `"uri":"${uri}","cid":"${pack.cid}","record":${pack.body},"creator":${creator}` +
    `,"joinedAllTimeCount":${pack.joined},"joinedWeekCount":${pack.joinedWeek}` +
    `,"labels":${h.recordLabels.get(uri) ?? '[]'}` +
    `,"indexedAt":"${new Date(pack.indexedMs).toISOString()}"`
  )
}

/** `app.bsky.graph.defs#starterPackView` of a pack that is there. */
export function packView(pack: StarterPack, h: PacksHydration): Json {
  const list = h.lists.get(pack.list.join('/'))
  const shown = list !== undefined && listIsThere(list, h) ? list : undefined
  const labels = shown && h.recordLabels.get(listUri(shown))
  const basic = shown && listBasic(shown, h.viewer, { labels, urls: h.urls })
  const items = shown ? (h.samples.get(pack.list.join('/')) ?? []) : []
  const people = items
    .filter(({ aid, isOptedOut }) => !isOptedOut && h.actors.has(aid) && !viewerBlocks(h, aid))
    .map((item) => listItemView(shown!, item, h))
  return `{${basicMembers(pack, h)},"feeds":${feedViews(pack, h)}${member('list', basic)},"listItemsSample":${arrayOf(people)}}`
}

function feedViews({ feeds }: StarterPack, h: PacksHydration): Json {
  const shown = feeds
    .map((uri) => h.feeds.get(uri))
    .filter((feed) => feed !== undefined)
    .filter((feed) => generatorIsThere(feed, h) && !viewerBlocks(h, feed.aid))
  return arrayOf(shown.map((feed) => generatorView(feed, h.generatorMarks.get(feed)!, h)))
}
