import { mainSchema } from '@atcute/bluesky/types/app/notification/getUnreadCount'
import { invalidRequest, type Method } from '#protocol/xrpc'
import { hydrateNotices, subscriptionsInForce, visibleNotices } from '../pages/notices-page.ts'
import { readMethod } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'

type Parts = Pick<
  ReadParts,
  | 'actors'
  | 'auth'
  | 'edges'
  | 'hydrator'
  | 'noticePreferences'
  | 'notices'
  | 'relations'
  | 'subscriptions'
>

/** How many of its notifications the viewer has not seen; of the newest 100. */
export function getUnreadCount(parts: Parts): Method {
  const { actors, auth, noticePreferences, notices } = parts
  return readMethod(mainSchema, {
    auth: auth.required,
    actors,
    stages: {
      async skeleton({ seenAt }, viewer) {
        const { aid } = viewer
        if (seenAt !== undefined) throw invalidRequest('The seenAt parameter is unsupported')
        const preferences = await noticePreferences.load(aid)
        const seenUs = (await notices.seenUs(aid)) ?? 0
        const subscriptions = await subscriptionsInForce(parts, viewer)
        const wanted = { reasons: preferences.listed, subscriptions }
        const rows = await notices.unread(aid, { seenUs, ...wanted })
        return { rows, preferences }
      },
      hydrate: ({ rows }, viewer) => hydrateNotices(parts, rows, viewer),
      rules({ rows, preferences }, h, params) {
        const { byFollowed } = preferences
        const { priority = preferences.priority } = params
        const wanted = { priority, byFollowed, verifiers: notices.verifiers }
        return { rows: visibleNotices(rows, h, wanted), preferences }
      },
      present: ({ rows }) => `{"count":${rows.length}}`,
    },
  })
}
