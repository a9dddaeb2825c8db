/** Every method the feeds answer, in NSID order. */
import type { Method } from '#protocol/xrpc'
import { describeFeedGenerator } from './methods/app.bsky.feed.describeFeedGenerator.ts'
import { getFeedSkeleton } from './methods/app.bsky.feed.getFeedSkeleton.ts'
import type { FeedsParts } from './parts.ts'

const table = [describeFeedGenerator, getFeedSkeleton]

export const methods = (parts: FeedsParts): Method[] => table.map((method) => method(parts))
