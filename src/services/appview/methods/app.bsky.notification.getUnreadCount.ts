import { mainSchema } from '@atcute/bluesky/types/app/notification/getUnreadCount'
import { invalidRequest, type Method } from '#protocol/xrpc'
import { readMethod } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'
import { viewerBlocks } from '../views/feed.ts'

/** How many notifications the viewer has not seen; not counted beyond some hundred. */
export function getUnreadCount({
  actors,
  auth,
  hydrator,
  notices,
}: Pick<ReadParts, 'actors' | 'auth' | 'hydrator' | 'notices'>): Method {
  return readMethod(mainSchema, {
    auth: auth.required,
    actors,
    stages: {
      async skeleton({ seenAt }, viewer) {
        if (seenAt !== undefined) throw invalidRequest('The seenAt parameter is unsupported')
        const seenUs = await notices.seenUs(viewer.aid)
        return notices.unreadAuthors(viewer.aid, seenUs ?? 0)
      },
      hydrate: (authors, viewer) => hydrator.accounts(viewer, new Set(authors)),
      rules: (authors, h, { priority = false }) =>
        authors.filter(
          (aid) =>
            h.actors.has(aid) &&
            !viewerBlocks(h, aid) &&
            !h.relations.get(aid)?.muted &&
            (!priority || h.relations.get(aid)?.following !== undefined),
        ),
      present: (authors) => `{"count":${authors.length}}`,
    },
  })
}
