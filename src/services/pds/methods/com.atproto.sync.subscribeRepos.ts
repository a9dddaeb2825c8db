import { ComAtprotoSyncSubscribeRepos } from '@atcute/atproto'
import type { Entry } from '#platform/storage'
import { followLog, framesOnce, noAuth, subscription } from '#protocol/xrpc'
import { isPublic } from '../journal/index.ts'
import type { Pds } from '../parts.ts'

/**
 * The host's events: the journal's public entries, byte for byte, from the cursor on. Without a
 * cursor: what happens from now on. Errors: FutureCursor; `#info` OutdatedCursor.
 */
export const subscribeRepos = ({ journal }: Pick<Pds, 'journal'>) =>
  subscription(ComAtprotoSyncSubscribeRepos.mainSchema, {
    auth: noAuth,
    handle: ({ params: { cursor }, request: { signal } }) =>
      followLog(journal.stream, { cursor, signal }, framesOf),
  })

const framesOf = framesOnce<Entry>((entry) =>
  isPublic(entry.kind) && !entry.blanked ? entry.payload : undefined,
)
