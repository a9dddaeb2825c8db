import { mainSchema } from '@atcute/bluesky/types/app/feed/getAuthorFeed'
import { type Method, XrpcError } from '#protocol/xrpc'
import { feedMethod } from '../pages/feed-page.ts'
import type { ReadParts } from '../parts.ts'
import type { Hydration, Viewer } from '../read/hydrate.ts'
import { type FeedItem, feedItemAllowed } from '../views/feed.ts'

type Parts = Pick<
  ReadParts,
  'actors' | 'auth' | 'authorFeeds' | 'feedItems' | 'hydrator' | 'relations' | 'resolver'
>

/** What one account posted and reposted, newest first; `filter` picks, `includePins` puts a pin first. */
export function getAuthorFeed(parts: Parts): Method {
  return feedMethod(mainSchema, {
    auth: parts.auth.optional,
    parts,
    stages: {
      async skeleton({ actor, filter, includePins }, viewer, page) {
        const aid = await parts.resolver.knownAid(actor)
        await refuseBlocked(parts, aid, viewer)
        const feed = await parts.authorFeeds.page(aid, { filter, ...page })
        const hasPin = includePins && page.cursor === undefined
        return hasPin ? { ...feed, first: await pinOf(parts, aid) } : feed
      },
      rules: (h, item, { filter }) =>
        feedItemAllowed(h, item) && (filter !== 'posts_and_author_threads' || isOwnThread(h, item)),
    },
  })
}

async function refuseBlocked(
  { actors, relations }: Pick<Parts, 'actors' | 'relations'>,
  aid: number,
  viewer: Viewer | undefined,
): Promise<void> {
  if (viewer === undefined) return
  const account = await actors.load([aid])
  const relation = (await relations.load(viewer, account)).get(aid)
  if (relation?.blocking !== undefined || relation?.lists?.blocking !== undefined)
    throw new XrpcError(400, 'BlockedActor', 'Requester has blocked actor')
  if (relation?.blockedBy)
    throw new XrpcError(400, 'BlockedByActor', 'Requester is blocked by actor')
}

async function pinOf({ actors }: Pick<Parts, 'actors'>, aid: number): Promise<FeedItem[]> {
  const post = (await actors.load([aid])).get(aid)?.pinned
  return post === undefined ? [] : [{ post, repost: undefined, pinned: true }]
}

/** Whether everything a reply answers, as far as it is loaded, is by its own author. */
function isOwnThread(h: Hydration, { post: key, repost }: FeedItem): boolean {
  if (repost !== undefined) return true
  const seen = new Set<string>()
  for (let post = h.posts.get(key); post?.parent !== undefined && !seen.has(post.key); ) {
    if (post.parent.aid !== post.aid) return false
    seen.add(post.key)
    post = h.posts.get(post.parent.key)
  }
  return true
}
