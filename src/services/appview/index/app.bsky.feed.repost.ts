import type { AppBskyFeedRepost } from '@atcute/bluesky'
import { REPOST_KIND } from '../read/feed-entry.ts'
import { type Edge, edgeIndex } from './edge.ts'
import { isPostSubject, recordSubject, repostNamed } from './record-subject.ts'
import { tellReposter } from './via-repost.ts'

/** Reposts: an edge to the post, and a place in the feeds of those who follow the reposter. */
export const repostIndex = edgeIndex<AppBskyFeedRepost.Main>({
  collection: 'app.bsky.feed.repost',
  table: 'repost',
  toRecords: true,
  // Only posts can be shown in a feed.
  subjectOf(record) {
    const to = recordSubject(record.subject)
    return to !== undefined && isPostSubject(to.subject) ? to : undefined
  },
  plain: ({ subject, createdAt }) => ({
    $type: 'app.bsky.feed.repost',
    subject: { cid: subject.cid, uri: subject.uri },
    createdAt,
  }),
  viaOf: ({ via }) => repostNamed(via),
  async added(batch, edge) {
    const { aid, rkey, subjectAid, subject, sortUs } = edge
    batch.countSubject(subjectAid, subject, 'reposts', 1)
    batch.changed.marks.push([aid, `${subjectAid}/${subject}`])
    batch.send(
      `insert into feed_item (aid, sort_us, kind, rkey, subject_aid, subject_rkey, flags)
       values (?, ?, ?, ?, ?, ?, 0) on conflict do nothing`,
      [aid, sortUs, REPOST_KIND, rkey, subjectAid, subject],
    )
    batch.changed.feedAdded.push(entryOf(edge))
    await batch.notify({
      recipient: subjectAid,
      author: aid,
      rkey,
      reason: 'repost',
      sortUs,
      subject: { aid: subjectAid, rkey: subject },
    })
    await tellReposter(batch, edge, 'repost-via-repost')
  },
  async removed(batch, edge) {
    const { aid, rkey, subjectAid, subject, sortUs } = edge
    batch.countSubject(subjectAid, subject, 'reposts', -1)
    batch.changed.marks.push([aid, `${subjectAid}/${subject}`])
    batch.send('delete from feed_item where aid = ? and sort_us = ? and kind = ? and rkey = ?', [
      aid,
      sortUs,
      REPOST_KIND,
      rkey,
    ])
    batch.changed.feedRemoved.push(entryOf(edge))
    await batch.unnotify(aid, rkey, ['repost', 'repost-via-repost'])
  },
})

function entryOf({ aid, rkey, subjectAid, subject, sortUs }: Edge) {
  return { aid, sortUs, kind: REPOST_KIND, rkey, post: `${subjectAid}/${subject}` }
}
