import { mainSchema } from '@atcute/bluesky/types/app/notification/getUnreadCount'
import { invalidRequest, type Method } from '#protocol/xrpc'
import { hydrateNotices, visibleNotices } from '../pages/notices-page.ts'
import { readMethod } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'

/** How many of its notifications the viewer has not seen; of the newest 200. */
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
        return notices.unread(viewer.aid, seenUs ?? 0)
      },
      hydrate: (rows, viewer) => hydrateNotices({ hydrator }, rows, viewer),
      rules: (rows, h, { priority = false }) => visibleNotices(rows, h, { priority }),
      present: (rows) => `{"count":${rows.length}}`,
    },
  })
}
