import { mainSchema } from '@atcute/bluesky/types/app/graph/searchStarterPacksV2'
import { type Method, query } from '#protocol/xrpc'
import { searchPacks } from '../pages/pack-search.ts'
import { hydratePacks, type PackParts, visiblePacks } from '../pages/packs-page.ts'
import { respond, revOf } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'
import { arrayOf, cursorMember } from '../views/json.ts'
import { packView } from '../views/starter-pack.ts'

/** Starter packs by words of their names and descriptions, with their people and feeds. */
export function searchStarterPacksV2(
  parts: PackParts & Pick<ReadParts, 'actors' | 'auth'>,
): Method {
  return query(mainSchema, {
    auth: parts.auth.optional,
    async handle({ params, caller }) {
      const rev = await revOf(parts.actors, caller)
      const { items, cursor } = await searchPacks(parts, params, async (packs) => {
        const h = await hydratePacks(parts, packs, caller)
        return visiblePacks({ packs }, h).packs.map((pack) => packView(pack, h))
      })
      return respond(`{"starterPacks":${arrayOf(items)}${cursorMember(cursor)}}`, rev) as never
    },
  })
}
