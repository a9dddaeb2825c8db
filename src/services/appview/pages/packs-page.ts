import type { ReadParts } from '../parts.ts'
import type { Viewer } from '../read/hydrate.ts'
import type { StarterPack } from '../read/starter-packs.ts'
import { labelledGenerator } from '../views/generator.ts'
import { arrayOf, type Json } from '../views/json.ts'
import {
  type PacksHydration,
  packBasic,
  packIsThere,
  packUri,
  packView,
} from '../views/starter-pack.ts'
import { listUri } from '../views/user-list.ts'

/** What shows starter packs. */
export type PackParts = Pick<
  ReadParts,
  'generators' | 'hydrator' | 'labels' | 'resolver' | 'starterPacks' | 'urls' | 'userLists'
>

export interface PacksPage {
  packs: StarterPack[]
  cursor?: string | undefined
}

/** What basic views of packs show: their makers and labels. */
export async function hydrateBasicPacks(
  { hydrator, labels }: Pick<PackParts, 'hydrator' | 'labels'>,
  packs: readonly StarterPack[],
  viewer: Viewer | undefined,
) {
  const h = await hydrator.accounts(viewer, new Set(packs.map(({ aid }) => aid)))
  const named = packs.map((pack) => ({ uri: packUri(pack), cid: pack.cid }))
  return { ...h, recordLabels: await labels.ofRecords(named, viewer?.labelers) }
}

/** Everything that packs show: makers, lists, some of their people, feeds, labels. */
export async function hydratePacks(
  parts: PackParts,
  packs: readonly StarterPack[],
  viewer: Viewer | undefined,
  also: Iterable<number> = [],
): Promise<PacksHydration> {
  const { generators, hydrator, labels, starterPacks, urls, userLists } = parts
  const keys = packs.map(({ list }) => list)
  const lists = await userLists.byKeys(keys, viewer?.aid ?? 0)
  const samples = await starterPacks.samples(keys)
  const feeds = await feedsOf(parts, packs)
  const people = [...samples.values()].flat().map(({ aid }) => aid)
  const makers = [...packs, ...feeds.values()].map(({ aid }) => aid)
  const h = await hydrator.accounts(viewer, new Set([...makers, ...people, ...also]))
  const named = [
    ...packs.map((pack) => ({ uri: packUri(pack), cid: pack.cid })),
    ...lists.map((list) => ({ uri: listUri(list), cid: list.cid })),
    ...[...feeds.values()].flatMap((feed) => labelledGenerator(feed, h) ?? []),
  ]
  return {
    ...h,
    urls,
    lists: new Map(lists.map((list) => [`${list.aid}/${list.rkey}`, list])),
    samples,
    feeds,
    generatorMarks: await generators.marks([...feeds.values()], viewer),
    recordLabels: await labels.ofRecords(named, viewer?.labelers),
  }
}

async function feedsOf(
  { generators, resolver }: PackParts,
  packs: readonly StarterPack[],
): Promise<PacksHydration['feeds']> {
  const uris = [...new Set(packs.flatMap(({ feeds }) => feeds))]
  const keys = await Promise.all(uris.map((uri) => resolver.generator(uri)))
  const found = await generators.byKeys(keys.filter((key) => key !== undefined))
  const byKey = new Map(found.map((feed) => [`${feed.aid}/${feed.rkey}`, feed]))
  const feeds = uris.flatMap((uri, i) => {
    const feed = byKey.get(keys[i]?.join('/') ?? '')
    return feed ? [[uri, feed] as const] : []
  })
  return new Map(feeds)
}

/** Leaves out packs whose makers are hidden or have a block with the viewer, and those taken down. */
export function visiblePacks<P extends PacksPage>(
  page: P,
  h: Pick<PacksHydration, 'actors' | 'recordLabels' | 'relations'>,
): P {
  return { ...page, packs: page.packs.filter((pack) => packIsThere(pack, h)) }
}

/** `app.bsky.graph.defs#starterPackViewBasic` of each. */
export function packBasics(
  packs: readonly StarterPack[],
  h: Pick<PacksHydration, 'actors' | 'recordLabels' | 'relations'>,
): Json {
  return arrayOf(packs.map((pack) => packBasic(pack, h)))
}

/** `app.bsky.graph.defs#starterPackView` of each. */
export function packViews(packs: readonly StarterPack[], h: PacksHydration): Json {
  return arrayOf(packs.map((pack) => packView(pack, h)))
}
