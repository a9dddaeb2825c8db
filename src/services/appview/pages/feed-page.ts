import { type Auth, type Method, type ParamsOf, type QuerySchema, query } from '#protocol/xrpc'
import type { ReadParts } from '../parts.ts'
import type { FeedPage } from '../read/author-feeds.ts'
import type { Hydration, Viewer } from '../read/hydrate.ts'
import { type FeedItem, feedViewPost } from '../views/feed.ts'
import { arrayOf, cursorMember, type Json } from '../views/json.ts'
import { fillPage, type Round, respond, revOf } from './pipeline.ts'

export interface PageOf {
  cursor: string | undefined
  limit: number
}

/** What tells one feed from another: where its items come from and which of them may be shown. */
export interface FeedStages<P, V extends Viewer | undefined> {
  skeleton(params: P, viewer: V, page: PageOf): Promise<Skeleton>
  /** How often a skeleton is asked for to fill one page, where that takes somebody else's time. */
  roundsMax?: number
  /** Whether the viewer may see the item. */
  rules(hydration: Hydration, item: FeedItem, params: P): boolean
}

export interface Skeleton extends FeedPage {
  /** Shown before everything else, and not a second time. */
  first?: readonly FeedItem[]
}

type FeedSchema = QuerySchema
interface FeedParams {
  limit: number
  cursor?: string | undefined
}

/**
 * Declares a feed. The stages run for as many rounds as a full page takes: hydrate and present are
 * the same for every feed.
 */
export function feedMethod<const Q extends FeedSchema, V extends Viewer | undefined>(
  schema: Q,
  declaration: {
    auth: Auth<V>
    parts: Pick<ReadParts, 'actors' | 'feedItems' | 'hydrator'>
    stages: FeedStages<ParamsOf<Q> & FeedParams, V>
  },
): Method {
  const { auth, parts, stages } = declaration
  return query(schema, {
    auth,
    async handle({ params, caller }) {
      const asked = params as ParamsOf<Q> & FeedParams
      // Read first: the answer may hold more than it says, never less.
      const rev = await revOf(parts.actors, caller)
      const round = async (page: PageOf) => {
        const skeleton = await stages.skeleton(asked, caller, page)
        return feedRound(parts, caller, skeleton, (h, item) => stages.rules(h, item, asked))
      }
      const { items, cursor } = await fillPage(asked, round, stages.roundsMax)
      const body = `{"feed":${arrayOf(items)}${cursorMember(cursor)}}`
      return respond(body, rev) as never
    },
  })
}

async function feedRound(
  parts: Pick<ReadParts, 'feedItems' | 'hydrator'>,
  viewer: Viewer | undefined,
  { entries, cursor, first = [] }: Skeleton,
  isAllowed: (h: Hydration, item: FeedItem) => boolean,
): Promise<Round<Json>> {
  const items = [...first, ...without(await parts.feedItems.of(entries), first)]
  const h = await hydrateFeed(parts, viewer, items)
  const views: Json[] = []
  for (const item of items) {
    const view = isAllowed(h, item) ? feedViewPost(h, item) : undefined
    if (view !== undefined) views.push(view)
  }
  return { items: views, cursor }
}

async function hydrateFeed(
  { hydrator }: Pick<ReadParts, 'hydrator'>,
  viewer: Viewer | undefined,
  items: readonly FeedItem[],
): Promise<Hydration> {
  const also: number[] = []
  for (const { repost } of items) if (repost !== undefined) also.push(repost.aid)
  const keys = items.map((item) => item.post)
  return hydrator.page(viewer, keys, { context: true, also })
}

function without(items: readonly FeedItem[], first: readonly FeedItem[]): readonly FeedItem[] {
  if (first.length === 0) return items
  const shown = new Set(first.map((item) => item.post))
  return items.filter((item) => !shown.has(item.post))
}
