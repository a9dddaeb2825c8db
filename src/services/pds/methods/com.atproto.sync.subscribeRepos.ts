import { ComAtprotoSyncSubscribeRepos } from '@atcute/atproto'
import type { Entry } from '#platform/storage'
import type { Did } from '#protocol/syntax'
import { followLog, framesOnce, noAuth, subscription } from '#protocol/xrpc'
import { isPublic, Kind } from '../journal/index.ts'
import type { Pds } from '../parts.ts'

/**
 * The host's events: the journal's public entries, byte for byte, from the cursor on. Without a
 * cursor: what happens from now on. What an account that is taken down wrote is passed by; who was not
 * told of it asks for the repository when the account is back, as after any gap. Errors: FutureCursor;
 * `#info` OutdatedCursor.
 */
export const subscribeRepos = ({ journal, accounts }: Pick<Pds, 'journal' | 'accounts'>) => {
  const isHidden = ({ kind, key }: Entry) =>
    (kind === Kind.commit || kind === Kind.sync) && accounts.isTakenDown(key as Did)
  // What is hidden changes, what a batch holds does not: only the latter is remembered.
  const framesOf = (batch: readonly Entry[]) =>
    batch.some(isHidden)
      ? batch.filter((entry) => !isHidden(entry)).flatMap((entry) => frameOf(entry) ?? [])
      : allFramesOf(batch)
  return subscription(ComAtprotoSyncSubscribeRepos.mainSchema, {
    auth: noAuth,
    handle: ({ params: { cursor }, request: { signal } }) =>
      followLog(journal.stream, { cursor, signal }, framesOf),
  })
}

const frameOf = ({ kind, blanked, payload }: Entry) =>
  isPublic(kind) && !blanked ? payload : undefined

const allFramesOf = framesOnce<Entry>(frameOf)
