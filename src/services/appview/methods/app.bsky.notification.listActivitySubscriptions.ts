import { mainSchema } from '@atcute/bluesky/types/app/notification/listActivitySubscriptions'
import type { Method } from '#protocol/xrpc'
import { readMethod } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'
import { profileView, subscribed } from '../views/actor.ts'
import { viewerBlocks } from '../views/feed.ts'
import { arrayOf, cursorMember } from '../views/json.ts'

type Parts = Pick<ReadParts, 'actors' | 'auth' | 'hydrator' | 'subscriptions'>

/** Whose posts the viewer wants to be told of, the last first. */
export function listActivitySubscriptions({
  actors,
  auth,
  hydrator,
  subscriptions,
}: Parts): Method {
  return readMethod(mainSchema, {
    auth: auth.required,
    actors,
    stages: {
      skeleton: ({ cursor, limit }, viewer) => subscriptions.page(viewer.aid, { cursor, limit }),
      async hydrate({ aids }, viewer) {
        const h = await hydrator.accounts(viewer, aids)
        return { ...h, subscriptions: await subscriptions.of(viewer.aid) }
      },
      rules: (page, h) => ({
        ...page,
        aids: page.aids.filter((aid) => h.actors.has(aid) && !viewerBlocks(h, aid)),
      }),
      present({ aids, cursor }, h) {
        const views = aids.map((aid) => {
          const [actor, relation] = [h.actors.get(aid)!, h.relations.get(aid)]
          return profileView(actor, subscribed(actor, relation, h.subscriptions.get(aid)))
        })
        return `{"subscriptions":${arrayOf(views)}${cursorMember(cursor)}}`
      },
    },
  })
}
