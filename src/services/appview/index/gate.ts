import type { Nsid } from '#protocol/syntax'
import { type CollectionIndex, UnusableRecord } from './collection.ts'
import { keptRecordIndex } from './kept-record.ts'

/** A gate says of a post who may answer or quote it, and has the post's record key. */
export function gateIndex(collection: Nsid): CollectionIndex {
  return keptRecordIndex({
    collection,
    check({ did, rkey, value }) {
      const { post } = value as { post: string }
      if (post !== `at://${did}/app.bsky.feed.post/${rkey}`)
        throw new UnusableRecord('a gate for a post that it does not sit beside')
    },
    changed: (batch, aid, rkey) => void batch.changed.posts.add(`${aid}/${rkey}`),
  })
}
