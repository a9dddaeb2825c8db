import { mainSchema } from '@atcute/bluesky/types/app/feed/getFeedGenerator'
import { invalidRequest, type Method } from '#protocol/xrpc'
import { generatorViews, hydrateGenerators, visibleGenerators } from '../pages/generators-page.ts'
import { readMethod } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'

/** One feed, and whether its maker can be reached. */
export function getFeedGenerator(
  parts: Pick<ReadParts, 'actors' | 'auth' | 'feedMakers' | 'generators' | 'hydrator' | 'resolver'>,
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
        const [maker] = page.generators
        const url = maker && (await feedMakers.urlOf(maker.did).catch(() => undefined))
        return { ...(await hydrateGenerators(parts, page, viewer)), isValid: url !== undefined }
      },
      rules: visibleGenerators,
      present(page, h) {
        if (page.generators.length === 0) throw invalidRequest('could not find feed')
        const view = generatorViews(page, h).slice(1, -1)
        return `{"view":${view},"isOnline":${h.isValid},"isValid":${h.isValid}}`
      },
    },
  })
}
