import { mainSchema } from '@atcute/bluesky/types/app/graph/getStarterPacksWithMembership'
import { invalidRequest, type Method } from '#protocol/xrpc'
import { hydratePacks, type PackParts, visiblePacks } from '../pages/packs-page.ts'
import { readMethod } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'
import { arrayOf, cursorMember, member } from '../views/json.ts'
import { packView } from '../views/starter-pack.ts'
import { listItemView } from '../views/user-list.ts'

/** The viewer's own starter packs, the last made first, and whether an account is in each. */
export function getStarterPacksWithMembership(
  parts: PackParts & Pick<ReadParts, 'actors' | 'auth'>,
): Method {
  const { actors, auth, resolver, starterPacks, userLists } = parts
  return readMethod(mainSchema, {
    auth: auth.required,
    actors,
    stages: {
      async skeleton({ actor, cursor, limit }, viewer) {
        const subject = await resolver.knownAid(actor)
        const page = await starterPacks.of(viewer.aid, { cursor, limit })
        const lists = page.packs.map(({ list }) => list)
        return { ...page, subject, items: await userLists.memberships(lists, subject) }
      },
      hydrate: ({ packs, subject }, viewer) => hydratePacks(parts, packs, viewer, [subject]),
      rules: visiblePacks,
      present({ packs, subject, items, cursor }, h) {
        if (!h.actors.has(subject)) throw invalidRequest('Profile not found')
        const views = packs.map((pack) => {
          const key = pack.list.join('/')
          const [rkey, list] = [items.get(key), h.lists.get(key)]
          const item =
            rkey && list && listItemView(list, { rkey, aid: subject, isOptedOut: false }, h)
          return `{"starterPack":${packView(pack, h)}${member('listItem', item)}}`
        })
        return `{"starterPacksWithMembership":${arrayOf(views)}${cursorMember(cursor)}}`
      },
    },
  })
}
