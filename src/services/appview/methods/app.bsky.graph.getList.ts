import { mainSchema } from '@atcute/bluesky/types/app/graph/getList'
import { invalidRequest, type Method } from '#protocol/xrpc'
import { readMethod } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'
import { profileView } from '../views/actor.ts'
import { viewerBlocks } from '../views/feed.ts'
import { arrayOf, cursorMember } from '../views/json.ts'
import { listView } from '../views/user-list.ts'

/** A list and who is on it, the last added first. */
export function getList({
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
      async skeleton({ list: uri, cursor, limit }, viewer) {
        const key = await resolver.list(uri)
        const [list] = key ? await userLists.byKeys([key], viewer?.aid ?? 0) : []
        if (list === undefined) throw invalidRequest('List not found')
        const page = await userLists.items(list.aid, list.rkey, { cursor, limit })
        return { list, ...page }
      },
      hydrate: ({ list, items }, viewer) =>
        hydrator.accounts(viewer, new Set([list.aid, ...items.map(({ aid }) => aid)])),
      rules: (page, h) => ({
        ...page,
        items: page.items.filter(({ aid }) => h.actors.has(aid) && !viewerBlocks(h, aid)),
      }),
      present({ list, items, cursor }, h) {
        const view = listView(list, h)
        if (view === undefined) throw invalidRequest('List not found')
        const owner = h.actors.get(list.aid)!.did
        const views = items.map(({ rkey, aid }) => {
          const subject = profileView(h.actors.get(aid)!, h.relations.get(aid))
          return `{"uri":"at://${owner}/app.bsky.graph.listitem/${rkey}","subject":${subject}}`
        })
        return `{"list":${view},"items":${arrayOf(views)}${cursorMember(cursor)}}`
      },
    },
  })
}
