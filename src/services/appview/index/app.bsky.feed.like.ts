import type { AppBskyFeedLike } from '@atcute/bluesky'
import { edgeIndex } from './edge.ts'
import { isPostSubject, recordSubject, repostNamed } from './record-subject.ts'
import { tellReposter } from './via-repost.ts'

/** Likes: of posts, and of other records (feeds, labelers) by their path. */
export const likeIndex = edgeIndex<AppBskyFeedLike.Main>({
  collection: 'app.bsky.feed.like',
  table: 'feed_like',
  toRecords: true,
  subjectOf: ({ subject }) => recordSubject(subject),
  plain: ({ subject, createdAt }) => ({
    $type: 'app.bsky.feed.like',
    subject: { cid: subject.cid, uri: subject.uri },
    createdAt,
  }),
  viaOf: ({ via }) => repostNamed(via),
  async added(batch, edge) {
    const { aid, rkey, subjectAid, subject, sortUs } = edge
    batch.countSubject(subjectAid, subject, 'likes', 1)
    batch.changed.marks.push([aid, `${subjectAid}/${subject}`])
    if (!isPostSubject(subject)) return
    await batch.notify({
      recipient: subjectAid,
      author: aid,
      rkey,
      reason: 'like',
      sortUs,
      subject: { aid: subjectAid, rkey: subject },
    })
    await tellReposter(batch, edge, 'like-via-repost')
  },
  async removed(batch, { aid, rkey, subjectAid, subject }) {
    batch.countSubject(subjectAid, subject, 'likes', -1)
    batch.changed.marks.push([aid, `${subjectAid}/${subject}`])
    await batch.unnotify(aid, rkey, ['like', 'like-via-repost'])
  },
})
