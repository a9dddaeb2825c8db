import { mainSchema } from '@atcute/bluesky/types/app/graph/getStarterPack'
import { invalidRequest, type Method } from '#protocol/xrpc'
import { hydratePacks, type PackParts, packViews, visiblePacks } from '../pages/packs-page.ts'
import { readMethod } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'

/** A starter pack with its list, some of its people and its feeds. */
export function getStarterPack(parts: PackParts & Pick<ReadParts, 'actors' | 'auth'>): Method {
  const { actors, auth, resolver, starterPacks } = parts
  return readMethod(mainSchema, {
    auth: auth.optional,
    actors,
    stages: {
      async skeleton({ starterPack: uri }) {
        const key = await resolver.starterPack(uri)
        return { packs: key ? await starterPacks.byKeys([key]) : [] }
      },
      hydrate: ({ packs }, viewer) => hydratePacks(parts, packs, viewer),
      rules: visiblePacks,
      present({ packs }, h) {
        if (packs.length === 0) throw invalidRequest('Starter pack not found')
        return `{"starterPack":${packViews(packs, h).slice(1, -1)}}`
      },
    },
  })
}
