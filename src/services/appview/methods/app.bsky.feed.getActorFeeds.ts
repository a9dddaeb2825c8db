import { mainSchema } from '@atcute/bluesky/types/app/feed/getActorFeeds'
import type { Method } from '#protocol/xrpc'
import { generatorViews, hydrateGenerators, visibleGenerators } from '../pages/generators-page.ts'
import { readMethod } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'
import { cursorMember } from '../views/json.ts'

/** Feeds that an account publishes. */
export function getActorFeeds(
  parts: Pick<
    ReadParts,
    'actors' | 'auth' | 'generators' | 'hydrator' | 'labels' | 'resolver' | 'urls'
  >,
): Method {
  return readMethod(mainSchema, {
    auth: parts.auth.optional,
    actors: parts.actors,
    stages: {
      async skeleton({ actor, cursor, limit }) {
        const aid = await parts.resolver.knownAid(actor)
        return parts.generators.of(aid, { cursor, limit })
      },
      hydrate: (page, viewer) => hydrateGenerators(parts, page, viewer),
      rules: visibleGenerators,
      present: (page, h) => `{"feeds":${generatorViews(page, h)}${cursorMember(page.cursor)}}`,
    },
  })
}
