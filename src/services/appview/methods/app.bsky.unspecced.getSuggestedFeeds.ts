import { mainSchema } from '@atcute/bluesky/types/app/unspecced/getSuggestedFeeds'
import type { Method } from '#protocol/xrpc'
import {
  type GeneratorParts,
  generatorViews,
  hydrateGenerators,
  visibleGenerators,
} from '../pages/generators-page.ts'
import { readMethod } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'

/** Feeds that most people like. */
export function getSuggestedFeeds(
  parts: GeneratorParts & Pick<ReadParts, 'actors' | 'auth'>,
): Method {
  const { actors, auth, generators } = parts
  return readMethod(mainSchema, {
    auth: auth.optional,
    actors,
    stages: {
      skeleton: ({ limit }) => generators.mostLiked({ cursor: undefined, limit }),
      hydrate: (page, viewer) => hydrateGenerators(parts, page, viewer),
      rules: visibleGenerators,
      present: (page, h) => `{"feeds":${generatorViews(page, h)}}`,
    },
  })
}
