import { mainSchema } from '@atcute/bluesky/types/app/graph/getSuggestedFollowsByActor'
import { invalidRequest, type Method, query } from '#protocol/xrpc'
import { fillPage, respond, revOf } from '../pages/pipeline.ts'
import { type SuggestionParts, suggested } from '../pages/suggested-people.ts'
import type { ReadParts } from '../parts.ts'
import { arrayOf } from '../views/json.ts'

const SHOWN_MAX = 20

/** People like an account: those whom its followers follow too. */
export function getSuggestedFollowsByActor(
  parts: SuggestionParts & Pick<ReadParts, 'resolver'>,
): Method {
  const { actors, auth, hydrator, resolver, suggestions } = parts
  return query(mainSchema, {
    auth: auth.required,
    async handle({ params: { actor }, caller }) {
      const rev = await revOf(actors, caller)
      const aid = await resolver.knownAid(actor)
      const { actors: shown } = await hydrator.accounts(caller, [aid])
      if (!shown.has(aid)) throw invalidRequest('Profile not found')
      const all = await suggestions.likeActor(aid)
      const { items } = await fillPage({ limit: SHOWN_MAX }, (some) =>
        suggested(parts, all, some, caller),
      )
      return respond(`{"suggestions":${arrayOf(items)}}`, rev) as never
    },
  })
}
