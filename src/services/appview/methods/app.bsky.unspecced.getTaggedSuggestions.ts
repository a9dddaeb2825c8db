import { mainSchema } from '@atcute/bluesky/types/app/unspecced/getTaggedSuggestions'
import type { Method } from '#protocol/xrpc'
import { hydrateGenerators, visibleGenerators } from '../pages/generators-page.ts'
import { readMethod } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'
import { GENERATOR } from '../read/generators.ts'
import { viewerBlocks } from '../views/feed.ts'
import { quote } from '../views/json.ts'

const OF_EACH_MAX = 25
/** What is liked and followed most is all that the index knows of tastes. */
const TAG = 'popular'

/** Feeds that most people like and accounts that most follow, by their names alone. */
export function getTaggedSuggestions(
  parts: Pick<
    ReadParts,
    'actors' | 'auth' | 'generators' | 'hydrator' | 'labels' | 'suggestions' | 'urls'
  >,
): Method {
  const { actors, auth, generators, hydrator, suggestions } = parts
  return readMethod(mainSchema, {
    auth: auth.optional,
    actors,
    stages: {
      async skeleton() {
        const page = await generators.mostLiked({ cursor: undefined, limit: OF_EACH_MAX })
        const people = (await suggestions.forViewer(0)).slice(0, OF_EACH_MAX)
        return { generators: page.generators, people: people.map(({ aid }) => aid) }
      },
      async hydrate(page, viewer) {
        const feeds = await hydrateGenerators(parts, page, viewer)
        return { feeds, people: await hydrator.accounts(viewer, page.people) }
      },
      rules: (page, h) => ({
        ...visibleGenerators(page, h.feeds),
        people: page.people.filter(
          (aid) => h.people.actors.has(aid) && !viewerBlocks(h.people, aid),
        ),
      }),
      present(page, { feeds, people }) {
        const feedUris = page.generators.map(
          ({ aid, rkey }) => `at://${feeds.actors.get(aid)!.did}/${GENERATOR}/${rkey}`,
        )
        const dids = page.people.map((aid) => people.actors.get(aid)!.did)
        const named = (subjectType: string) => (subject: string) => ({
          ...{ tag: TAG, subjectType, subject },
        })
        return quote({ suggestions: [...feedUris.map(named('feed')), ...dids.map(named('actor'))] })
      },
    },
  })
}
