import { mainSchema } from '@atcute/bluesky/types/app/graph/searchStarterPacks'
import { type Method, query } from '#protocol/xrpc'
import { searchPacks } from '../pages/pack-search.ts'
import { hydrateBasicPacks, visiblePacks } from '../pages/packs-page.ts'
import { respond, revOf } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'
import { arrayOf, cursorMember } from '../views/json.ts'
import { packBasic } from '../views/starter-pack.ts'

/** Starter packs by words of their names and descriptions. */
export function searchStarterPacks(
  parts: Pick<ReadParts, 'actors' | 'auth' | 'hydrator' | 'labels' | 'starterPacks'>,
): Method {
  return query(mainSchema, {
    auth: parts.auth.optional,
    async handle({ params, caller }) {
      const rev = await revOf(parts.actors, caller)
      const { items, cursor } = await searchPacks(parts, params, async (packs) => {
        const h = await hydrateBasicPacks(parts, packs, caller)
        return visiblePacks({ packs }, h).packs.map((pack) => packBasic(pack, h))
      })
      return respond(`{"starterPacks":${arrayOf(items)}${cursorMember(cursor)}}`, rev) as never
    },
  })
}
