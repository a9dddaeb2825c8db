import { selfRecordIndex } from './kept-record.ts'

/** What a labeler says of itself: the words it uses and what they mean. */
export const labelerServiceIndex = selfRecordIndex('app.bsky.labeler.service')
