import { mainSchema } from '@atcute/bluesky/types/app/graph/getListMutes'
import type { Method } from '#protocol/xrpc'
import { allOf, readMethod } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'
import { cursorMember } from '../views/json.ts'
import { listViews } from '../views/user-list.ts'

/** Lists whose members the viewer has muted. */
export function getListMutes({
  actors,
  auth,
  hydrator,
  userLists,
}: Pick<ReadParts, 'actors' | 'auth' | 'hydrator' | 'userLists'>): Method {
  return readMethod(mainSchema, {
    auth: auth.required,
    actors,
    stages: {
      async skeleton({ cursor, limit }, viewer) {
        const page = await userLists.mutedBy(viewer.aid, { cursor, limit })
        return { lists: await userLists.byKeys(page.keys, viewer.aid), cursor: page.cursor }
      },
      hydrate: ({ lists }, viewer) =>
        hydrator.accounts(viewer, new Set(lists.map(({ aid }) => aid))),
      rules: allOf,
      present: ({ lists, cursor }, h) => `{"lists":${listViews(lists, h)}${cursorMember(cursor)}}`,
    },
  })
}
