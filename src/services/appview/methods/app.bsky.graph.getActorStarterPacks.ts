import { mainSchema } from '@atcute/bluesky/types/app/graph/getActorStarterPacks'
import type { Method } from '#protocol/xrpc'
import { hydrateBasicPacks, packBasics, visiblePacks } from '../pages/packs-page.ts'
import { readMethod } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'
import { cursorMember } from '../views/json.ts'

/** Starter packs an account made, the last first. */
export function getActorStarterPacks(
  parts: Pick<ReadParts, 'actors' | 'auth' | 'hydrator' | 'labels' | 'resolver' | 'starterPacks'>,
): Method {
  const { actors, auth, resolver, starterPacks } = parts
  return readMethod(mainSchema, {
    auth: auth.optional,
    actors,
    stages: {
      skeleton: async ({ actor, cursor, limit }) =>
        starterPacks.of(await resolver.knownAid(actor), { cursor, limit }),
      hydrate: ({ packs }, viewer) => hydrateBasicPacks(parts, packs, viewer),
      rules: visiblePacks,
      present: ({ packs, cursor }, h) =>
        `{"starterPacks":${packBasics(packs, h)}${cursorMember(cursor)}}`,
    },
  })
}
