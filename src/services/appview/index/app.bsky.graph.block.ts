import type { AppBskyGraphBlock } from '@atcute/bluesky'
import { edgeIndex } from './edge.ts'

/** Blocks: an edge between accounts. What it hides is decided when something is read. */
export const blockIndex = edgeIndex<AppBskyGraphBlock.Main>({
  collection: 'app.bsky.graph.block',
  table: 'block',
  toRecords: false,
  subjectOf: ({ subject }) => ({ did: subject, subject: '', cid: '' }),
  plain: ({ subject, createdAt }) => ({ $type: 'app.bsky.graph.block', subject, createdAt }),
  added(batch, { aid, subjectAid }) {
    batch.changed.pairs.push([aid, subjectAid])
  },
  removed(batch, { aid, subjectAid }) {
    batch.changed.pairs.push([aid, subjectAid])
  },
})
