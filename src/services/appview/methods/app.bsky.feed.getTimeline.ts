import { mainSchema } from '@atcute/bluesky/types/app/feed/getTimeline'
import type { Method } from '#protocol/xrpc'
import { feedMethod } from '../pages/feed-page.ts'
import type { ReadParts } from '../parts.ts'
import { ancestorsBlocked, feedItemAllowed, itemMuted } from '../views/feed.ts'

/** The following feed: what the viewer and those it follows posted and reposted, newest first. */
export function getTimeline(
  parts: Pick<ReadParts, 'actors' | 'auth' | 'feedItems' | 'hydrator' | 'timelines'>,
): Method {
  return feedMethod(mainSchema, {
    auth: parts.auth.required,
    parts,
    stages: {
      skeleton: (_params, viewer, page) => parts.timelines.page(viewer.aid, page),
      rules: (h, item) =>
        feedItemAllowed(h, item) && !itemMuted(h, item) && !ancestorsBlocked(h, item.post),
    },
  })
}
