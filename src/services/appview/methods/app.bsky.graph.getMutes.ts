import { mainSchema } from '@atcute/bluesky/types/app/graph/getMutes'
import type { Method } from '#protocol/xrpc'
import { readMethod } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'
import { profileView } from '../views/actor.ts'
import { arrayOf, cursorMember } from '../views/json.ts'

/** Whom the viewer has muted, the last first. */
export function getMutes({
  actors,
  auth,
  hydrator,
  mutes,
}: Pick<ReadParts, 'actors' | 'auth' | 'hydrator' | 'mutes'>): Method {
  return readMethod(mainSchema, {
    auth: auth.required,
    actors,
    stages: {
      skeleton: ({ cursor, limit }, viewer) => mutes.page(viewer.aid, { cursor, limit }),
      hydrate: ({ aids }, viewer) => hydrator.accounts(viewer, aids),
      rules: (page, h) => ({ ...page, aids: page.aids.filter((aid) => h.actors.has(aid)) }),
      present({ aids, cursor }, h) {
        const views = aids.map((aid) => profileView(h.actors.get(aid)!, h.relations.get(aid)))
        return `{"mutes":${arrayOf(views)}${cursorMember(cursor)}}`
      },
    },
  })
}
