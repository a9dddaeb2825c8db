import { AppBskyFeedDescribeFeedGenerator } from '@atcute/bluesky'
import { noAuth, query } from '#protocol/xrpc'
import type { FeedsParts } from '../parts.ts'

/** Which feeds are made here. */
export const describeFeedGenerator = ({ did, published }: Pick<FeedsParts, 'did' | 'published'>) =>
  query(AppBskyFeedDescribeFeedGenerator.mainSchema, {
    auth: noAuth,
    handle: () => ({ did, feeds: published().map((uri) => ({ uri })) }),
  })
