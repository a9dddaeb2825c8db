import { mainSchema } from '@atcute/bluesky/types/app/feed/getFeedGenerators'
import type { Method } from '#protocol/xrpc'
import {
  type GeneratorsPage,
  generatorViews,
  hydrateGenerators,
  visibleGenerators,
} from '../pages/generators-page.ts'
import { readMethod } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'

/** Feeds by AT-URI; those that are not there, or hidden, are left out. */
export function getFeedGenerators(
  parts: Pick<
    ReadParts,
    'actors' | 'auth' | 'generators' | 'hydrator' | 'labels' | 'resolver' | 'urls'
  >,
): Method {
  return readMethod(mainSchema, {
    auth: parts.auth.optional,
    actors: parts.actors,
    stages: {
      async skeleton({ feeds }): Promise<GeneratorsPage> {
        const keys = await Promise.all(feeds.map((uri) => parts.resolver.generator(uri)))
        return {
          generators: await parts.generators.byKeys(keys.filter((key) => key !== undefined)),
        }
      },
      hydrate: (page, viewer) => hydrateGenerators(parts, page, viewer),
      rules: visibleGenerators,
      present: (page, h) => `{"feeds":${generatorViews(page, h)}}`,
    },
  })
}
