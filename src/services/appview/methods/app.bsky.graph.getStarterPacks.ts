import { mainSchema } from '@atcute/bluesky/types/app/graph/getStarterPacks'
import type { Method } from '#protocol/xrpc'
import { hydrateBasicPacks, packBasics, visiblePacks } from '../pages/packs-page.ts'
import { readMethod } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'

/** Starter packs by AT-URI; those that are not there, or hidden, are left out. */
export function getStarterPacks(
  parts: Pick<ReadParts, 'actors' | 'auth' | 'hydrator' | 'labels' | 'resolver' | 'starterPacks'>,
): Method {
  const { actors, auth, resolver, starterPacks } = parts
  return readMethod(mainSchema, {
    auth: auth.optional,
    actors,
    stages: {
      async skeleton({ uris }) {
        const keys = await Promise.all(uris.map((uri) => resolver.starterPack(uri)))
        return { packs: await starterPacks.byKeys(keys.filter((key) => key !== undefined)) }
      },
      hydrate: ({ packs }, viewer) => hydrateBasicPacks(parts, packs, viewer),
      rules: visiblePacks,
      present: ({ packs }, h) => `{"starterPacks":${packBasics(packs, h)}}`,
    },
  })
}
