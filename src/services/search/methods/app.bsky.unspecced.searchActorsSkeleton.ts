import { mainSchema } from '@atcute/bluesky/types/app/unspecced/searchActorsSkeleton'
import { invalidRequest, noAuth, query } from '#protocol/xrpc'
import type { SearchParts } from '../parts.ts'
import { wordsOf } from '../text/index.ts'
import { checkLength, checkTerms } from './limits.ts'

/**
 * DIDs of accounts whose handle, name and description have every word, the best first; with
 * `typeahead`, whose handle or name has them, the last one perhaps only begun. The cursor is an
 * offset.
 */
export const searchActorsSkeleton = ({ actors }: Pick<SearchParts, 'actors'>) =>
  query(mainSchema, {
    auth: noAuth,
    async handle({ params: { q, typeahead, limit, cursor } }) {
      checkLength(q)
      checkTerms(wordsOf(q).length)
      const offset = readOffset(cursor)
      const dids = await (typeahead ? actors.typeahead(q) : actors.search(q))
      const end = offset + limit
      return {
        actors: dids.slice(offset, end).map((did) => ({ did })),
        cursor: end < dids.length ? String(end) : undefined,
        hitsTotal: dids.length,
      }
    },
  })

function readOffset(cursor: string | undefined): number {
  if (cursor === undefined) return 0
  if (!/^\d{1,6}$/.test(cursor)) throw invalidRequest('Malformed cursor')
  return Number(cursor)
}
