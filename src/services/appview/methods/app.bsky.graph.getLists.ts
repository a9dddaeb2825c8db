import { mainSchema } from '@atcute/bluesky/types/app/graph/getLists'
import type { Method } from '#protocol/xrpc'
import { allOf, readMethod } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'
import { cursorMember } from '../views/json.ts'
import { listViews } from '../views/user-list.ts'

/** Lists an account made, the last first; of some purposes only, when they are named. */
export function getLists({
  actors,
  auth,
  hydrator,
  resolver,
  userLists,
}: Pick<ReadParts, 'actors' | 'auth' | 'hydrator' | 'resolver' | 'userLists'>): Method {
  return readMethod(mainSchema, {
    auth: auth.optional,
    actors,
    stages: {
      async skeleton({ actor, cursor, limit, purposes }, viewer) {
        const aid = await resolver.knownAid(actor)
        const page = await userLists.of(aid, { cursor, limit }, viewer?.aid ?? 0)
        if (purposes === undefined) return page
        const wanted = ({ record }: { record: Record<string, unknown> }) =>
          purposes.some((purpose) => String(record.purpose).endsWith(`#${purpose}`))
        return { ...page, lists: page.lists.filter(wanted) }
      },
      hydrate: ({ lists }, viewer) =>
        hydrator.accounts(viewer, new Set(lists.map(({ aid }) => aid))),
      rules: allOf,
      present: ({ lists, cursor }, h) => `{"lists":${listViews(lists, h)}${cursorMember(cursor)}}`,
    },
  })
}
