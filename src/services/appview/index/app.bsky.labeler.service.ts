import { UnusableRecord } from './collection.ts'
import { keptRecordIndex } from './kept-record.ts'

/** What a labeler says of itself: the words it uses and what they mean. */
export const labelerServiceIndex = keptRecordIndex({
  collection: 'app.bsky.labeler.service',
  check({ rkey }) {
    if (rkey !== 'self') throw new UnusableRecord('a labeler beside the labeler')
  },
})
