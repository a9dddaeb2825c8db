import type { AppBskyGraphFollow } from '@atcute/bluesky'
import { edgeIndex } from './edge.ts'

/** Follows: an edge between accounts, counted on both sides. */
export const followIndex = edgeIndex<AppBskyGraphFollow.Main>({
  collection: 'app.bsky.graph.follow',
  table: 'follow',
  toRecords: false,
  subjectOf: ({ subject }) => ({ did: subject, subject: '', cid: '' }),
  plain: ({ subject, createdAt }) => ({ $type: 'app.bsky.graph.follow', subject, createdAt }),
  async added(batch, { aid, rkey, subjectAid, sortUs }) {
    batch.countActor(aid, 'follows', 1)
    batch.countActor(subjectAid, 'followers', 1)
    batch.changed.pairs.push([aid, subjectAid])
    batch.changed.follows.add(aid)
    await batch.notify({
      recipient: subjectAid,
      author: aid,
      rkey,
      reason: 'follow',
      sortUs,
      subject: undefined,
    })
  },
  async removed(batch, { aid, rkey, subjectAid }) {
    batch.countActor(aid, 'follows', -1)
    batch.countActor(subjectAid, 'followers', -1)
    batch.changed.pairs.push([aid, subjectAid])
    batch.changed.follows.add(aid)
    await batch.unnotify(aid, rkey, ['follow'])
  },
})
