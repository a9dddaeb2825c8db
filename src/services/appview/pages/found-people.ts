import type { ReadParts } from '../parts.ts'
import type { Hydration, Viewer } from '../read/hydrate.ts'
import type { Hits } from '../search/search-service.ts'
import { viewerBlocks } from '../views/feed.ts'

/** Accounts a search service names for some text; nothing for no text. */
export async function findPeople(
  { actors, search }: Pick<ReadParts, 'actors' | 'search'>,
  { q, term, ...rest }: { q?: string; term?: string; limit: number; cursor?: string },
  more: { typeahead: boolean; viewer: Viewer | undefined },
): Promise<Hits<number>> {
  const text = q || term
  if (!text) return { hits: [], cursor: undefined, hitsTotal: undefined }
  const { typeahead, viewer } = more
  const found = await search.actors({ ...rest, q: text, typeahead, viewer: viewer?.did })
  const aids = await Promise.all(found.hits.map((did) => actors.aidOf(did)))
  return { ...found, hits: aids.filter((aid) => aid !== undefined) }
}

/** Leaves out who is not known, hidden, or has a block with the viewer. */
export function visibleFound(found: Hits<number>, h: Hydration): Hits<number> {
  return { ...found, hits: found.hits.filter((aid) => h.actors.has(aid) && !viewerBlocks(h, aid)) }
}
