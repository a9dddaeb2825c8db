import { mainSchema } from '@atcute/bluesky/types/app/unspecced/getPostThreadV2'
import type { Method } from '#protocol/xrpc'
import { allOf, readMethod } from '../pages/pipeline.ts'
import { hydrateThread, threadAround } from '../pages/thread-page.ts'
import type { ReadParts } from '../parts.ts'
import { gateView } from '../views/feed.ts'
import { member } from '../views/json.ts'
import { threadItems } from '../views/thread-items.ts'

/** Parents that are looked at. */
const ABOVE_MAX = 80

/**
 * A post with what it answers above and what answers it below, as a flat list. What is gone, blocked
 * or kept from strangers leaves a mark where it stood; the anchor itself, too, is never an error.
 */
export function getPostThreadV2(
  parts: Pick<
    ReadParts,
    'actors' | 'auth' | 'hydrator' | 'relations' | 'resolver' | 'threads' | 'visitors'
  >,
): Method {
  return readMethod(mainSchema, {
    auth: parts.auth.optional,
    actors: parts.actors,
    stages: {
      skeleton: ({ anchor, above, below }) =>
        threadAround(parts, anchor, { below, above: above ? ABOVE_MAX : 0 }),
      hydrate: (skeleton, viewer) => hydrateThread(parts, skeleton, viewer),
      // A thread keeps its shape: who is blocked leaves a gap, which present writes.
      rules: allOf,
      present(skeleton, { h, authorMarks }, { branchingFactor, sort }) {
        const plan = { ...skeleton, authorMarks, branchingFactor, sort }
        const { items, hasOtherReplies } = threadItems(h, plan)
        const gate = gateView(h, h.posts.get(skeleton.thread.root))
        return `{"thread":${items}${member('threadgate', gate)},"hasOtherReplies":${hasOtherReplies}}`
      },
    },
  })
}
