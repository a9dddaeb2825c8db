import { mainSchema } from '@atcute/bluesky/types/app/actor/searchActorsTypeahead'
import type { Method } from '#protocol/xrpc'
import { findPeople, visibleFound } from '../pages/found-people.ts'
import { readMethod } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'
import { profileBasic } from '../views/actor.ts'
import { arrayOf } from '../views/json.ts'

/** Accounts whose handle or name begins with what is being typed, as this viewer may see them. */
export function searchActorsTypeahead(
  parts: Pick<ReadParts, 'actors' | 'auth' | 'hydrator' | 'search'>,
): Method {
  const { actors, auth, hydrator } = parts
  return readMethod(mainSchema, {
    auth: auth.optional,
    actors,
    stages: {
      skeleton: (params, viewer) => findPeople(parts, params, { typeahead: true, viewer }),
      hydrate: ({ hits }, viewer) => hydrator.accounts(viewer, hits),
      rules: visibleFound,
      present({ hits }, h) {
        const views = hits.map((aid) => profileBasic(h.actors.get(aid)!, h.relations.get(aid)))
        return `{"actors":${arrayOf(views)}}`
      },
    },
  })
}
