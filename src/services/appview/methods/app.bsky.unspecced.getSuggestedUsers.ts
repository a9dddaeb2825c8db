import { mainSchema } from '@atcute/bluesky/types/app/unspecced/getSuggestedUsers'
import type { Method } from '#protocol/xrpc'
import { type SuggestionParts, suggestionsMethod } from '../pages/suggested-people.ts'

/** People the viewer might want to follow. */
export function getSuggestedUsers(parts: SuggestionParts): Method {
  return suggestionsMethod(mainSchema, { as: 'actors', parts })
}
