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
  noticePreferences,
  notices,
}: Pick<ReadParts, 'actors' | 'auth' | 'hydrator' | 'noticePreferences' | 'notices'>): Method {
  return readMethod(mainSchema, {
    auth: auth.required,
    actors,
    stages: {
      async skeleton({ seenAt }, { aid }) {
        if (seenAt !== undefined) throw invalidRequest('The seenAt parameter is unsupported')
        const preferences = await noticePreferences.load(aid)
        const seenUs = (await notices.seenUs(aid)) ?? 0
        const rows = await notices.unread(aid, { seenUs, reasons: preferences.listed })
        return { rows, preferences }
      },
      hydrate: ({ rows }, viewer) => hydrateNotices({ hydrator }, rows, viewer),
      rules({ rows, preferences }, h, params) {
        const { byFollowed } = preferences
        const { priority = preferences.priority } = params
        return { rows: visibleNotices(rows, h, { priority, byFollowed }), preferences }
      },
      present: ({ rows }) => `{"count":${rows.length}}`,
    },
  })
}
