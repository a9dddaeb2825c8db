import { mainSchema } from '@atcute/bluesky/types/app/unspecced/getSuggestedOnboardingUsers'
import type { Method } from '#protocol/xrpc'
import { type SuggestionParts, suggestionsMethod } from '../pages/suggested-people.ts'

/** People to begin with: of a viewer who follows nobody yet, those with most followers. */
export function getSuggestedOnboardingUsers(parts: SuggestionParts): Method {
  return suggestionsMethod(mainSchema, { as: 'actors', parts })
}
