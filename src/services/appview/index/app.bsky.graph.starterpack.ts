import type { AppBskyGraphStarterpack } from '@atcute/bluesky'
import { UnusableRecord } from './collection.ts'
import { keptRecordIndex } from './kept-record.ts'
import { listOf } from './list.ts'

export const STARTER_PACK = 'app.bsky.graph.starterpack'

/** People and feeds for somebody to begin with; the people are on a list of the same account. */
export const starterpackIndex = keptRecordIndex({
  collection: STARTER_PACK,
  counted: 'packs',
  check({ did, value }) {
    if (listOf((value as AppBskyGraphStarterpack.Main).list)?.did !== did)
      throw new UnusableRecord('a starter pack of no list of its author')
  },
  changed: (batch, aid, rkey) => batch.knowItems(aid, `${STARTER_PACK}/${rkey}`),
})
