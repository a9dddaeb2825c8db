import { mainSchema } from '@atcute/bluesky/types/app/feed/getFeed'
import type { Did } from '#protocol/syntax'
import { type Method, XrpcError } from '#protocol/xrpc'
import type { FeedViewer } from '../auth/auth.ts'
import type { SkeletonItem } from '../feeds/feed-makers.ts'
import { feedMethod } from '../pages/feed-page.ts'
import type { ReadParts } from '../parts.ts'
import { type FeedItem, feedItemAllowed } from '../views/feed.ts'

type Parts = Pick<
  ReadParts,
  'actors' | 'auth' | 'edges' | 'feedItems' | 'feedMakers' | 'generators' | 'hydrator' | 'resolver'
>

/**
 * A feed that somebody's service makes: its skeleton from there, everything else from here. The
 * viewer's token is for the maker and passed on to it. Errors: UnknownFeed.
 */
export function getFeed(parts: Parts): Method {
  return feedMethod(mainSchema, {
    auth: parts.auth.forFeed,
    parts,
    stages: {
      async skeleton({ feed }, viewer, { cursor, limit }) {
        const { maker, uri } = await findFeed(parts, feed)
        if (viewer) requireAudience(viewer, maker)
        const params = { feed: uri, limit, cursor }
        const page = await parts.feedMakers.skeleton(maker, params, {
          authorization: viewer?.token,
        })
        const items = await Promise.all(page.items.map((item) => itemOf(parts, item)))
        const first = items.filter((item) => item !== undefined)
        return { entries: [], first, cursor: page.cursor }
      },
      // A slow maker costs a person no more than two of its deadlines; a page may be short.
      roundsMax: 2,
      rules: feedItemAllowed,
    },
  })
}

async function findFeed({ actors, generators, resolver }: Parts, feed: string) {
  const key = await resolver.generator(feed)
  const [generator] = key ? await generators.byKeys([key]) : []
  if (!key || !generator) throw new XrpcError(400, 'UnknownFeed', `could not find feed: ${feed}`)
  const publisher = (await actors.load([generator.aid])).get(generator.aid)
  if (!publisher) throw new XrpcError(400, 'UnknownFeed', `could not find feed: ${feed}`)
  const uri = `at://${publisher.did}/app.bsky.feed.generator/${generator.rkey}`
  return { maker: generator.did, uri }
}

/** A token made for somebody else must not show what its owner may see. */
function requireAudience({ audience }: FeedViewer, maker: Did): void {
  if (audience === maker || audience === `${maker}#bsky_fg`) return
  throw new XrpcError(401, 'BadJwtAudience', "jwt audience is not the feed's maker")
}

/** A post that we know; shown as reposted only by a repost of it that we know. */
async function itemOf(
  { edges, resolver }: Parts,
  { post, repost: uri, pinned, context }: SkeletonItem,
): Promise<FeedItem | undefined> {
  const known = await resolver.post(post)
  if (!known || !uri) return known && { post: known.key, repost: undefined, pinned, context }
  const key = await resolver.repost(uri)
  const repost = key && (await edges.reposts([key])).get(key.join('/'))
  if (!key || repost?.post !== known.key) return undefined
  const [aid, rkey] = key
  const { cid, sortMs } = repost
  return { post: known.key, repost: { aid, rkey, cid, sortMs }, context }
}
