import { mainSchema } from '@atcute/bluesky/types/app/bookmark/getBookmarks'
import type { Method } from '#protocol/xrpc'
import { allOf, readMethod } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'
import { bookmarkView } from '../views/bookmark.ts'
import { arrayOf, cursorMember } from '../views/json.ts'

/** What the viewer put aside, the last first. A post that went or may not be shown has a stub. */
export function getBookmarks({
  actors,
  auth,
  bookmarks,
  hydrator,
}: Pick<ReadParts, 'actors' | 'auth' | 'bookmarks' | 'hydrator'>): Method {
  return readMethod(mainSchema, {
    auth: auth.required,
    actors,
    stages: {
      skeleton: ({ cursor, limit }, viewer) => bookmarks.page(viewer.aid, { cursor, limit }),
      hydrate: ({ bookmarks: list }, viewer) => {
        const keys = list.map(({ ref }) => ref.key)
        return hydrator.page(viewer, keys, { context: true })
      },
      rules: allOf,
      present({ bookmarks: list, cursor }, h) {
        const views = list.map((one) => bookmarkView(h, one))
        return `{"bookmarks":${arrayOf(views)}${cursorMember(cursor)}}`
      },
    },
  })
}
