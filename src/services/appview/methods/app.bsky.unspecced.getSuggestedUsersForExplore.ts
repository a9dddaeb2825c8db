import { mainSchema } from '@atcute/bluesky/types/app/unspecced/getSuggestedUsersForExplore'
import type { Method } from '#protocol/xrpc'
import { type SuggestionParts, suggestionsMethod } from '../pages/suggested-people.ts'

/** People the viewer might want to follow, for a page of discoveries. */
export function getSuggestedUsersForExplore(parts: SuggestionParts): Method {
  return suggestionsMethod(mainSchema, { as: 'actors', parts })
}
