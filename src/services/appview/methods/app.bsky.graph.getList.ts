import { mainSchema } from '@atcute/bluesky/types/app/graph/getList'
import { invalidRequest, type Method } from '#protocol/xrpc'
import { hydrateLists } from '../pages/lists-page.ts'
import { readMethod } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'
import type { ListItem, UserList } from '../read/user-lists.ts'
import { viewerBlocks } from '../views/feed.ts'
import { arrayOf, cursorMember } from '../views/json.ts'
import { type ListsHydration, listIsThere, listItemView, listView } from '../views/user-list.ts'

/** A list and who is on it, the last added first. */
export function getList(
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
      async skeleton({ list: uri, cursor, limit }, viewer) {
        const key = await resolver.list(uri)
        const [list] = key ? await userLists.byKeys([key], viewer?.aid ?? 0) : []
        if (list === undefined) throw invalidRequest('List not found')
        const page = await userLists.items([list.aid, list.rkey], { cursor, limit })
        return { list, ...page }
      },
      hydrate: ({ list, items }, viewer) =>
        hydrateLists(
          parts,
          [list],
          viewer,
          items.map(({ aid }) => aid),
        ),
      rules: (page, h) => ({
        ...page,
        items: page.items.filter((item) => isShown(item, page.list, h)),
      }),
      present({ list, items, cursor }, h) {
        if (!listIsThere(list, h)) throw invalidRequest('List not found')
        const views = items.map((item) => listItemView(list, item, h))
        return `{"list":${listView(list, h)},"items":${arrayOf(views)}${cursorMember(cursor)}}`
      },
    },
  })
}

/** Who does not want to be on somebody's list of references is seen there by its owner only. */
function isShown({ aid, isOptedOut }: ListItem, list: UserList, h: ListsHydration): boolean {
  if (!h.actors.has(aid) || viewerBlocks(h, aid)) return false
  const isReference = list.record.purpose === 'app.bsky.graph.defs#referencelist'
  return !isOptedOut || !isReference || h.viewer?.aid === list.aid
}
