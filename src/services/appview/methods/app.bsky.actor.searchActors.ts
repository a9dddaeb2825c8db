import { mainSchema } from '@atcute/bluesky/types/app/actor/searchActors'
import type { Method } from '#protocol/xrpc'
import { findPeople, visibleFound } from '../pages/found-people.ts'
import { readMethod } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'
import { profileView } from '../views/actor.ts'
import { arrayOf, cursorMember } from '../views/json.ts'

/** Accounts the search service names, as this viewer may see them. */
export function searchActors(
  parts: Pick<ReadParts, 'actors' | 'auth' | 'hydrator' | 'search'>,
): Method {
  const { actors, auth, hydrator } = parts
  return readMethod(mainSchema, {
    auth: auth.optional,
    actors,
    stages: {
      skeleton: (params, viewer) => findPeople(parts, params, { typeahead: false, viewer }),
      hydrate: ({ hits }, viewer) => hydrator.accounts(viewer, hits),
      rules: visibleFound,
      present({ hits, cursor }, h) {
        const views = hits.map((aid) => profileView(h.actors.get(aid)!, h.relations.get(aid)))
        return `{"actors":${arrayOf(views)}${cursorMember(cursor)}}`
      },
    },
  })
}
