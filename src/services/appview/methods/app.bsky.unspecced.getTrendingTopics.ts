import { mainSchema } from '@atcute/bluesky/types/app/unspecced/getTrendingTopics'
import { type Method, noAuth } from '#protocol/xrpc'
import { allOf, readMethod } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'
import type { Trend } from '../read/trends.ts'
import { quote } from '../views/json.ts'
import { tagLink } from '../views/tag.ts'

/** What people talk about today: the same for everybody; as suggestions, what comes next. */
export function getTrendingTopics({
  actors,
  trends,
}: Pick<ReadParts, 'actors' | 'trends'>): Method {
  return readMethod(mainSchema, {
    auth: noAuth,
    actors,
    stages: {
      skeleton: () => trends.now(),
      hydrate: async () => undefined,
      rules: allOf,
      present: (found, _h, { limit }) =>
        quote({
          topics: found.slice(0, limit).map(topicOf),
          suggested: found.slice(limit, 2 * limit).map(topicOf),
        }),
    },
  })
}

function topicOf({ tag }: Trend) {
  return { topic: tag, displayName: `#${tag}`, link: tagLink(tag) }
}
