import { mainSchema } from '@atcute/bluesky/types/app/graph/getFollows'
import { invalidRequest, type Method } from '#protocol/xrpc'
import { hydratePeople, profileViews, visiblePeople } from '../pages/people-page.ts'
import { readMethod } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'
import { profileView } from '../views/actor.ts'
import { cursorMember } from '../views/json.ts'

/** Whom an account follows, the last first. */
export function getFollows(
  parts: Pick<ReadParts, 'actors' | 'auth' | 'edges' | 'hydrator' | 'relations' | 'resolver'>,
): Method {
  const { actors, auth, edges, resolver } = parts
  return readMethod(mainSchema, {
    auth: auth.optional,
    actors,
    stages: {
      async skeleton({ actor, cursor, limit }) {
        const subject = await resolver.knownAid(actor, `Actor not found: ${actor}`)
        return { subject, ...(await edges.follows(subject, { cursor, limit })) }
      },
      hydrate: (people, viewer) => hydratePeople(parts, people, viewer),
      rules: visiblePeople,
      present({ subject, ends, cursor }, h, { actor }) {
        const account = h.actors.get(subject)
        if (account === undefined) throw invalidRequest(`Actor not found: ${actor}`)
        const view = profileView(account, h.relations.get(subject))
        return `{"subject":${view},"follows":${profileViews(ends, h)}${cursorMember(cursor)}}`
      },
    },
  })
}
