import { isDid } from '#protocol/syntax'
import { UnusableRecord } from './collection.ts'
import { keptRecordIndex } from './kept-record.ts'

/** A feed that somebody publishes, made by the service whose DID it names. */
export const generatorIndex = keptRecordIndex({
  collection: 'app.bsky.feed.generator',
  counted: 'feeds',
  check({ value }) {
    if (!isDid((value as { did?: unknown }).did)) throw new UnusableRecord('a feed without a maker')
  },
  changed: (batch, aid, rkey) => batch.knowSubject(aid, `app.bsky.feed.generator/${rkey}`),
})
