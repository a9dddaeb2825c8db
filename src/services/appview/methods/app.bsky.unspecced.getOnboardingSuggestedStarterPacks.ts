import { mainSchema } from '@atcute/bluesky/types/app/unspecced/getOnboardingSuggestedStarterPacks'
import type { Method } from '#protocol/xrpc'
import { hydratePacks, type PackParts, packViews, visiblePacks } from '../pages/packs-page.ts'
import { readMethod } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'

/** Starter packs to begin with: those by which most people came. */
export function getOnboardingSuggestedStarterPacks(
  parts: PackParts & Pick<ReadParts, 'actors' | 'auth'>,
): Method {
  const { actors, auth, starterPacks } = parts
  return readMethod(mainSchema, {
    auth: auth.optional,
    actors,
    stages: {
      skeleton: ({ limit }) => starterPacks.mostJoined({ cursor: undefined, limit }),
      hydrate: ({ packs }, viewer) => hydratePacks(parts, packs, viewer),
      rules: visiblePacks,
      present: ({ packs }, h) => `{"starterPacks":${packViews(packs, h)}}`,
    },
  })
}
