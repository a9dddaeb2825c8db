import { mainSchema } from '@atcute/bluesky/types/app/graph/getListsWithMembership'
import { invalidRequest, type Method } from '#protocol/xrpc'
import { hydrateLists } from '../pages/lists-page.ts'
import { readMethod } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'
import { arrayOf, cursorMember, member } from '../views/json.ts'
import { listIsThere, listItemView, listView } from '../views/user-list.ts'

/** The viewer's own lists, the last made first, and whether an account is on each. */
export function getListsWithMembership(
  parts: Pick<
    ReadParts,
    'actors' | 'auth' | 'hydrator' | 'labels' | 'resolver' | 'urls' | 'userLists'
  >,
): Method {
  const { actors, auth, resolver, userLists } = parts
  return readMethod(mainSchema, {
    auth: auth.required,
    actors,
    stages: {
      async skeleton({ actor, cursor, limit, purposes }, viewer) {
        const subject = await resolver.knownAid(actor)
        const page = await userLists.of(viewer.aid, { cursor, limit, purposes }, viewer.aid)
        const keys = page.lists.map(({ aid, rkey }) => [aid, rkey] as const)
        return { ...page, subject, items: await userLists.memberships(keys, subject) }
      },
      hydrate: ({ lists, subject }, viewer) => hydrateLists(parts, lists, viewer, [subject]),
      rules: (page, h) => ({ ...page, lists: page.lists.filter((list) => listIsThere(list, h)) }),
      present({ lists, subject, items, cursor }, h) {
        if (!h.actors.has(subject)) throw invalidRequest('Profile not found')
        const views = lists.map((list) => {
          const rkey = items.get(`${list.aid}/${list.rkey}`)
          const item = rkey && listItemView(list, { rkey, aid: subject, isOptedOut: false }, h)
          return `{"list":${listView(list, h)}${member('listItem', item)}}`
        })
        return `{"listsWithMembership":${arrayOf(views)}${cursorMember(cursor)}}`
      },
    },
  })
}
