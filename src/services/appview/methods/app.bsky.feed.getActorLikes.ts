import { mainSchema } from '@atcute/bluesky/types/app/feed/getActorLikes'
import { invalidRequest, type Method } from '#protocol/xrpc'
import { feedMethod } from '../pages/feed-page.ts'
import type { ReadParts } from '../parts.ts'
import { type FeedEntry, POST_KIND } from '../read/feed-entry.ts'
import { feedItemAllowed } from '../views/feed.ts'

/** The posts the viewer liked, the last liked first. Nobody else's list is shown. */
export function getActorLikes(
  parts: Pick<ReadParts, 'actors' | 'auth' | 'edges' | 'feedItems' | 'hydrator' | 'resolver'>,
): Method {
  return feedMethod(mainSchema, {
    auth: parts.auth.required,
    parts,
    stages: {
      async skeleton({ actor }, viewer, page) {
        const aid = await parts.resolver.aid(actor)
        if (aid === undefined || aid !== viewer.aid) throw invalidRequest('Profile not found')
        const { posts, cursor } = await parts.edges.liked(aid, page)
        return { entries: posts.map(entryOf), cursor }
      },
      rules: feedItemAllowed,
    },
  })
}

function entryOf(post: string): FeedEntry {
  return { aid: 0, sortUs: 0, kind: POST_KIND, rkey: '', post }
}
