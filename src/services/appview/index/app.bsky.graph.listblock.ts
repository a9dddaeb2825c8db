import type { AppBskyGraphListblock } from '@atcute/bluesky'
import { UnusableRecord } from './collection.ts'
import { subscriptionChanged } from './list.ts'
import { listRefIndex } from './list-ref.ts'

/** Lists one account may block: whoever meets it costs as many look-ups. */
const LIST_BLOCKS_MAX = 500

/** A block of everybody who is, or comes to be, on a list. What it hides is decided at reading. */
export const listblockIndex = listRefIndex<AppBskyGraphListblock.Main>({
  collection: 'app.bsky.graph.listblock',
  table: 'list_block',
  async check(batch, aid) {
    const row = await batch.sql.get<{ count: number }>(
      'select count(*) as count from list_block where aid = ?',
      [aid],
    )
    if (row!.count >= LIST_BLOCKS_MAX)
      throw new UnusableRecord(`more than ${LIST_BLOCKS_MAX} blocks by list`)
  },
  changed: subscriptionChanged,
})
