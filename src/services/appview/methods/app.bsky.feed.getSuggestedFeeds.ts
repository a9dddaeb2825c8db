import { mainSchema } from '@atcute/bluesky/types/app/feed/getSuggestedFeeds'
import type { Method } from '#protocol/xrpc'
import { generatorViews, hydrateGenerators, visibleGenerators } from '../pages/generators-page.ts'
import { readMethod } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'
import { cursorMember } from '../views/json.ts'

/** Every feed known here, the newest first: nobody's is preferred. */
export function getSuggestedFeeds(
  parts: Pick<ReadParts, 'actors' | 'auth' | 'generators' | 'hydrator' | 'labels' | 'urls'>,
): Method {
  return readMethod(mainSchema, {
    auth: parts.auth.optional,
    actors: parts.actors,
    stages: {
      skeleton: ({ cursor, limit }) => parts.generators.newest({ cursor, limit }),
      hydrate: (page, viewer) => hydrateGenerators(parts, page, viewer),
      rules: visibleGenerators,
      present: (page, h) => `{"feeds":${generatorViews(page, h)}${cursorMember(page.cursor)}}`,
    },
  })
}
