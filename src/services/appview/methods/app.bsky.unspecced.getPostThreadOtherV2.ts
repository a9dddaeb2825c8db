import { mainSchema } from '@atcute/bluesky/types/app/unspecced/getPostThreadOtherV2'
import type { Method } from '#protocol/xrpc'
import { allOf, readMethod } from '../pages/pipeline.ts'
import { hydrateThread, threadAround } from '../pages/thread-page.ts'
import type { ReadParts } from '../parts.ts'
import { otherThreadItems } from '../views/thread-items.ts'

/** Direct replies to a post that getPostThreadV2 keeps apart: hidden by the thread's author, or muted. */
export function getPostThreadOtherV2(
  parts: Pick<
    ReadParts,
    'actors' | 'auth' | 'hydrator' | 'relations' | 'resolver' | 'threads' | 'visitors'
  >,
): Method {
  return readMethod(mainSchema, {
    auth: parts.auth.optional,
    actors: parts.actors,
    stages: {
      skeleton: ({ anchor }) => threadAround(parts, anchor, { below: 1, above: 0 }),
      hydrate: (skeleton, viewer) => hydrateThread(parts, skeleton, viewer),
      rules: allOf,
      present(skeleton, { h, authorMarks }) {
        const plan = { ...skeleton, authorMarks, branchingFactor: 0, sort: 'newest' }
        return `{"thread":${otherThreadItems(h, plan)}}`
      },
    },
  })
}
