import { mainSchema } from '@atcute/bluesky/types/app/actor/getSuggestions'
import type { Method } from '#protocol/xrpc'
import { type SuggestionParts, suggestionsMethod } from '../pages/suggested-people.ts'

/** People the viewer might want to follow, page by page. */
export function getSuggestions(parts: SuggestionParts): Method {
  return suggestionsMethod(mainSchema, { as: 'actors', isPaged: true, parts })
}
