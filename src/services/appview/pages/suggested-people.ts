import { type Auth, type Method, type ParamsOf, type QuerySchema, query } from '#protocol/xrpc'
import type { ReadParts } from '../parts.ts'
import { cursorOf, readCursor } from '../read/cursor.ts'
import type { Hydration, Viewer } from '../read/hydrate.ts'
import { compareSuggestions, type Suggestion } from '../read/suggestions.ts'
import { profileView } from '../views/actor.ts'
import { viewerBlocks } from '../views/feed.ts'
import { arrayOf, cursorMember, type Json } from '../views/json.ts'
import { fillPage, respond, revOf } from './pipeline.ts'

export type SuggestionParts = Pick<ReadParts, 'actors' | 'auth' | 'hydrator' | 'suggestions'>

interface Params {
  limit: number
  cursor?: string | undefined
}

/**
 * Declares a method that suggests people to the viewer: `as` names the list of them. Categories of
 * interests are unknown here, so all of them get the same people.
 */
export function suggestionsMethod<const Q extends QuerySchema>(
  schema: Q,
  { as, isPaged = false, parts }: { as: string; isPaged?: boolean; parts: SuggestionParts },
): Method {
  const { actors, auth, suggestions } = parts
  return query(schema, {
    auth: auth.optional as Auth<Viewer | undefined>,
    async handle({ params, caller }) {
      const { limit, cursor } = params as ParamsOf<Q> & Params
      const rev = await revOf(actors, caller)
      const viewer = caller?.isNobody ? undefined : caller
      const all = await suggestions.forViewer(viewer?.aid ?? 0)
      const page = await fillPage({ limit, cursor }, (some) => suggested(parts, all, some, caller))
      const next = isPaged ? cursorMember(page.cursor) : ''
      return respond(`{"${as}":${arrayOf(page.items)}${next}}`, rev) as never
    },
  })
}

/** The next of a list, as far as the viewer may see them, and would want to. */
export async function suggested(
  { hydrator }: Pick<ReadParts, 'hydrator'>,
  all: readonly Suggestion[],
  { cursor, limit }: { cursor: string | undefined; limit: number },
  viewer: Viewer | undefined,
): Promise<{ items: Json[]; cursor: string | undefined }> {
  const after = cursor === undefined ? undefined : suggestionAt(cursor)
  const rest = after ? all.filter((one) => compareSuggestions(one, after) > 0) : all
  const some = rest.slice(0, limit)
  const h = await hydrator.accounts(
    viewer,
    some.map(({ aid }) => aid),
  )
  const last = rest.length > limit ? some.at(-1) : undefined
  const items = some
    .filter(({ aid }) => isWanted(h, aid))
    .map(({ aid }) => profileView(h.actors.get(aid)!, h.relations.get(aid)))
  return { items, cursor: last && cursorOf(last.score, last.aid, '') }
}

/** Not hidden, and with nothing between: neither a block nor a mute, nor a follow. */
function isWanted(h: Hydration, aid: number): boolean {
  const relation = h.relations.get(aid)
  if (!h.actors.has(aid) || viewerBlocks(h, aid) || h.viewer?.aid === aid) return false
  return relation?.muted !== true && relation?.following === undefined
}

function suggestionAt(cursor: string): Suggestion {
  const [score, aid] = readCursor(cursor, 2).numbers as [number, number]
  return { score, aid }
}
