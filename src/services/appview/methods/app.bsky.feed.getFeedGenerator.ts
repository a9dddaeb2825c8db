import { mainSchema } from '@atcute/bluesky/types/app/feed/getFeedGenerator'
import { invalidRequest, type Method } from '#protocol/xrpc'
import { generatorViews, hydrateGenerators, visibleGenerators } from '../pages/generators-page.ts'
import { readMethod } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'
import { GENERATOR } from '../read/generators.ts'

/** One feed, whether its maker answers just now, and whether it knows the feed. */
export function getFeedGenerator(
  parts: Pick<
    ReadParts,
    'actors' | 'auth' | 'feedMakers' | 'generators' | 'hydrator' | 'labels' | 'resolver' | 'urls'
  >,
): Method {
  const { actors, auth, feedMakers, generators, resolver } = parts
  return readMethod(mainSchema, {
    auth: auth.optional,
    actors,
    stages: {
      async skeleton({ feed }) {
        const key = await resolver.generator(feed)
        const found = key ? await generators.byKeys([key]) : []
        return { generators: found }
      },
      async hydrate(page, viewer) {
        const h = await hydrateGenerators(parts, page, viewer)
        const [generator] = page.generators
        const publisher = generator && h.actors.get(generator.aid)
        if (!publisher) return { ...h, isOnline: false, isValid: false }
        const uri = `at://${publisher.did}/${GENERATOR}/${generator.rkey}`
        return { ...h, ...(await feedMakers.standing(generator.did, uri)) }
      },
      rules: visibleGenerators,
      present(page, h) {
        if (page.generators.length === 0) throw invalidRequest('could not find feed')
        const view = generatorViews(page, h).slice(1, -1)
        return `{"view":${view},"isOnline":${h.isOnline},"isValid":${h.isValid}}`
      },
    },
  })
}
