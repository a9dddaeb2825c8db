import { mainSchema } from '@atcute/bluesky/types/app/graph/getKnownFollowers'
import { invalidRequest, type Method, query } from '#protocol/xrpc'
import { hydratePeople, visiblePeople } from '../pages/people-page.ts'
import { fillPage, respond, revOf } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'
import { profileView } from '../views/actor.ts'
import { arrayOf, cursorMember } from '../views/json.ts'

/** Of those the viewer follows, who follows an account: whom the viewer followed last, first. */
export function getKnownFollowers(
  parts: Pick<ReadParts, 'actors' | 'auth' | 'edges' | 'hydrator' | 'relations' | 'resolver'>,
): Method {
  const { actors, auth, edges, hydrator, resolver } = parts
  return query(mainSchema, {
    auth: auth.required,
    async handle({ params: { actor, cursor, limit }, caller }) {
      const rev = await revOf(actors, caller)
      const subject = await resolver.knownAid(actor, `Actor not found: ${actor}`)
      const own = await hydrator.accounts(caller, [subject])
      const account = own.actors.get(subject)
      if (account === undefined) throw invalidRequest(`Actor not found: ${actor}`)
      const page = await fillPage({ cursor, limit }, async (some) => {
        const known = await edges.knownFollowers(caller.aid, subject, some)
        const h = await hydratePeople(parts, { subject, ...known }, caller)
        const { ends } = visiblePeople({ subject, ...known }, h)
        const items = ends.map(({ aid }) => profileView(h.actors.get(aid)!, h.relations.get(aid)))
        return { items, cursor: known.cursor }
      })
      const view = profileView(account, own.relations.get(subject))
      const body = `{"subject":${view},"followers":${arrayOf(page.items)}${cursorMember(page.cursor)}}`
      return respond(body, rev) as never
    },
  })
}
