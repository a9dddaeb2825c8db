import { type AtUri, parseAtUri } from '#protocol/syntax'
import type { ReadParts } from '../parts.ts'
import { GENERATOR } from '../read/generators.ts'
import type { Hydrator, Viewer } from '../read/hydrate.ts'
import { STARTER_PACK } from '../read/starter-packs.ts'
import { LIST, type ListKey } from '../read/user-lists.ts'
import { viewerBlocks } from '../views/feed.ts'
import type { Json } from '../views/json.ts'
import { labelerView } from '../views/labeler.ts'
import { packBasic, packUri } from '../views/starter-pack.ts'
import { listIsThere, listUri, listView } from '../views/user-list.ts'
import { generatorList, hydrateGenerators, visibleGenerators } from './generators-page.ts'
import { hydrateLabelers } from './labelers-page.ts'
import { hydrateLists } from './lists-page.ts'
import { hydrateBasicPacks, visiblePacks } from './packs-page.ts'

type Parts = Pick<
  ReadParts,
  'actors' | 'generators' | 'labelerServices' | 'labels' | 'starterPacks' | 'urls' | 'userLists'
>

/** Views, typed, of records that posts embed and that are no posts, by AT-URI. */
export type EmbeddedViews = (
  uris: ReadonlySet<string>,
  viewer: Viewer | undefined,
  hydrator: Hydrator,
) => Promise<ReadonlyMap<string, Json>>

const LABELER = 'app.bsky.labeler.service'
const TYPES = {
  [GENERATOR]: 'app.bsky.feed.defs#generatorView',
  [LIST]: 'app.bsky.graph.defs#listView',
  [STARTER_PACK]: 'app.bsky.graph.defs#starterPackViewBasic',
  [LABELER]: 'app.bsky.labeler.defs#labelerView',
} as const
type Collection = keyof typeof TYPES

/** Feeds, lists, starter packs and labelers, as far as they are there and may be seen. */
export function embeddedViews(own: Parts): EmbeddedViews {
  return async (uris, viewer, hydrator) => {
    const parts = { ...own, hydrator }
    const keys = await keysOf(own, uris)
    const views = new Map<string, Json>()
    const add = (collection: Collection, uri: string, view: Json) =>
      views.set(uri, `{"$type":"${TYPES[collection]}",${view.slice(1)}`)
    await addGenerators(parts, keys[GENERATOR], viewer, add)
    await addLists(parts, keys[LIST], viewer, add)
    await addPacks(parts, keys[STARTER_PACK], viewer, add)
    await addLabelers(parts, uris, viewer, add)
    return views
  }
}

type Add = (collection: Collection, uri: string, view: Json) => void
type WithHydrator = Parts & { hydrator: Hydrator }

/** Keys by collection; of accounts nobody has spoken of there are none. */
async function keysOf({ actors }: Parts, uris: ReadonlySet<string>) {
  const keys = {
    [GENERATOR]: [] as ListKey[],
    [LIST]: [] as ListKey[],
    [STARTER_PACK]: [] as ListKey[],
  }
  for (const uri of uris) {
    const { authority, collection, rkey } = parseAtUri(uri as AtUri)
    const list = keys[collection as keyof typeof keys]
    if (list === undefined || rkey === undefined) continue
    const aid = await actors.aidOf(authority as never)
    if (aid !== undefined) list.push([aid, rkey])
  }
  return keys
}

async function addGenerators(
  parts: WithHydrator,
  keys: readonly ListKey[],
  viewer: Viewer | undefined,
  add: Add,
): Promise<void> {
  if (keys.length === 0) return
  const found = { generators: await parts.generators.byKeys(keys) }
  const h = await hydrateGenerators(parts, found, viewer)
  const page = visibleGenerators(found, h)
  generatorList(page, h).forEach((view, i) => {
    const { aid, rkey } = page.generators[i]!
    add(GENERATOR, `at://${h.actors.get(aid)!.did}/${GENERATOR}/${rkey}`, view)
  })
}

async function addLists(
  parts: WithHydrator,
  keys: readonly ListKey[],
  viewer: Viewer | undefined,
  add: Add,
): Promise<void> {
  if (keys.length === 0) return
  const lists = await parts.userLists.byKeys(keys, viewer?.aid ?? 0)
  const h = await hydrateLists(parts, lists, viewer)
  for (const list of lists)
    if (listIsThere(list, h) && !viewerBlocks(h, list.aid))
      add(LIST, listUri(list), listView(list, h))
}

async function addPacks(
  parts: WithHydrator,
  keys: readonly ListKey[],
  viewer: Viewer | undefined,
  add: Add,
): Promise<void> {
  if (keys.length === 0) return
  const packs = await parts.starterPacks.byKeys(keys)
  const h = await hydrateBasicPacks(parts, packs, viewer)
  for (const pack of visiblePacks({ packs }, h).packs)
    add(STARTER_PACK, packUri(pack), packBasic(pack, h))
}

async function addLabelers(
  parts: WithHydrator,
  uris: ReadonlySet<string>,
  viewer: Viewer | undefined,
  add: Add,
): Promise<void> {
  const suffix = `/${LABELER}/self`
  const named = [...uris].filter((uri) => uri.endsWith(suffix))
  if (named.length === 0) return
  const dids = named.map((uri) => uri.slice('at://'.length, -suffix.length))
  const services = await parts.labelerServices.load(dids as never, { isAsking: false })
  const h = await hydrateLabelers(parts, services, viewer)
  for (const service of services) {
    const view = viewerBlocks(h, service.aid) ? undefined : labelerView(service, h)
    if (view !== undefined) add(LABELER, `at://${service.did}${suffix}`, view)
  }
}
