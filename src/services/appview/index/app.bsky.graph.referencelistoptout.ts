import type { AppBskyGraphReferencelistoptout } from '@atcute/bluesky'
import { listRefIndex } from './list-ref.ts'

/** An account does not want to be shown on a reference list. */
export const optOutIndex = listRefIndex<AppBskyGraphReferencelistoptout.Main>({
  collection: 'app.bsky.graph.referencelistoptout',
  table: 'list_opt_out',
})
