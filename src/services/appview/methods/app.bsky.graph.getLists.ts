import { mainSchema } from '@atcute/bluesky/types/app/graph/getLists'
import type { Method } from '#protocol/xrpc'
import { hydrateLists } from '../pages/lists-page.ts'
import { readMethod } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'
import { viewerBlocks } from '../views/feed.ts'
import { cursorMember } from '../views/json.ts'
import { listIsThere, listViews } from '../views/user-list.ts'

/** Lists an account made, the last first; of some purposes only, when they are named. */
export function getLists(
  parts: Pick<
    ReadParts,
    'actors' | 'auth' | 'hydrator' | 'labels' | 'resolver' | 'urls' | 'userLists'
  >,
): Method {
  const { actors, auth, resolver, userLists } = parts
  return readMethod(mainSchema, {
    auth: auth.optional,
    actors,
    stages: {
      async skeleton({ actor, cursor, limit, purposes }, viewer) {
        const aid = await resolver.knownAid(actor)
        return userLists.of(aid, { cursor, limit, purposes }, viewer?.aid ?? 0)
      },
      hydrate: ({ lists }, viewer) => hydrateLists(parts, lists, viewer),
      rules: (page, h) => ({
        ...page,
        lists: page.lists.filter((list) => listIsThere(list, h) && !viewerBlocks(h, list.aid)),
      }),
      present: ({ lists, cursor }, h) => `{"lists":${listViews(lists, h)}${cursorMember(cursor)}}`,
    },
  })
}
