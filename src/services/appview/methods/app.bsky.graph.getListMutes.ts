import { mainSchema } from '@atcute/bluesky/types/app/graph/getListMutes'
import type { Method } from '#protocol/xrpc'
import { hydrateLists } from '../pages/lists-page.ts'
import { readMethod } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'
import { cursorMember } from '../views/json.ts'
import { listIsThere, listViews } from '../views/user-list.ts'

/**
 * Lists whose members the viewer has muted. Those of owners who block the viewer are among them:
 * how else could it be taken back?
 */
export function getListMutes(
  parts: Pick<ReadParts, 'actors' | 'auth' | 'hydrator' | 'labels' | 'urls' | 'userLists'>,
): Method {
  const { actors, auth, userLists } = parts
  return readMethod(mainSchema, {
    auth: auth.required,
    actors,
    stages: {
      async skeleton({ cursor, limit }, viewer) {
        const page = await userLists.mutedBy(viewer.aid, { cursor, limit })
        return { lists: await userLists.byKeys(page.keys, viewer.aid), cursor: page.cursor }
      },
      hydrate: ({ lists }, viewer) => hydrateLists(parts, lists, viewer),
      rules: (page, h) => ({ ...page, lists: page.lists.filter((list) => listIsThere(list, h)) }),
      present: ({ lists, cursor }, h) => `{"lists":${listViews(lists, h)}${cursorMember(cursor)}}`,
    },
  })
}
