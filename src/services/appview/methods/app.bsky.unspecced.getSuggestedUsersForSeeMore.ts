import { mainSchema } from '@atcute/bluesky/types/app/unspecced/getSuggestedUsersForSeeMore'
import type { Method } from '#protocol/xrpc'
import { type SuggestionParts, suggestionsMethod } from '../pages/suggested-people.ts'

/** People the viewer might want to follow, all that there are. */
export function getSuggestedUsersForSeeMore(parts: SuggestionParts): Method {
  return suggestionsMethod(mainSchema, { as: 'actors', parts })
}
