import { mainSchema } from '@atcute/bluesky/types/app/unspecced/getSuggestedUsersForDiscover'
import type { Method } from '#protocol/xrpc'
import { type SuggestionParts, suggestionsMethod } from '../pages/suggested-people.ts'

/** People the viewer might want to follow, for a place among posts. */
export function getSuggestedUsersForDiscover(parts: SuggestionParts): Method {
  return suggestionsMethod(mainSchema, { as: 'actors', parts })
}
