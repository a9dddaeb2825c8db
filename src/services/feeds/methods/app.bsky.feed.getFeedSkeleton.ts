import { AppBskyFeedGetFeedSkeleton } from '@atcute/bluesky'
import { verifyServiceAuth } from '#protocol/auth'
import { parseDidKey } from '#protocol/crypto'
import { identityOf } from '#protocol/identity'
import { type Did, isDid, parseAtUri } from '#protocol/syntax'
import { type Auth, authRequired, query, XrpcError } from '#protocol/xrpc'
import { type Feed, feeds } from '../feeds/index.ts'
import type { FeedsParts } from '../parts.ts'

/** One page of a feed; personal feeds need the viewer's token. Errors: UnknownFeed. */
export const getFeedSkeleton = (
  parts: Pick<FeedsParts, 'did' | 'directory' | 'now' | 'published' | 'sql'>,
) =>
  query(AppBskyFeedGetFeedSkeleton.mainSchema, {
    auth: viewerOf(parts),
    async handle({ params: { feed: uri, limit, cursor }, caller: viewer }) {
      const feed = feedAt(parts.published(), uri)
      const page = await feed.page(parts.sql, { viewer, limit, cursor })
      return {
        feed: page.items.map(({ uri: post, because }) => ({ post, feedContext: because })),
        cursor: page.cursor,
      }
    },
  })

/** A feed is asked for by the record that publishes it. */
function feedAt(published: readonly string[], uri: string): Feed {
  const { rkey } = parseAtUri(uri)
  const feed = published.includes(uri) ? feeds.find((one) => one.rkey === rkey) : undefined
  if (!feed) throw new XrpcError(400, 'UnknownFeed', `Not a feed of this service: ${uri}`)
  return feed
}

/** The viewer, by service auth; nobody without a token. A wrong token is refused, not ignored. */
function viewerOf(parts: Pick<FeedsParts, 'did' | 'directory' | 'now'>): Auth<Did | undefined> {
  const { did, directory, now } = parts
  return async ({ headers }, lxm) => {
    const header = headers.authorization
    if (header === undefined) return undefined
    if (!header.startsWith('Bearer ')) throw authRequired('Expected a bearer token', 'InvalidToken')
    const { iss } = await verifyServiceAuth(header.slice('Bearer '.length), {
      aud: [did, `${did}#bsky_fg`],
      lxm,
      nowMs: now(),
      async signingKey(issuer, fresh) {
        const document = isDid(issuer) ? await directory.document(issuer, { fresh }) : undefined
        const key = document && identityOf(document).signingKey
        if (!key) throw authRequired(`No signing key for ${issuer}`, 'BadJwtIss')
        return parseDidKey(key)
      },
    })
    return isDid(iss) ? iss : undefined
  }
}
