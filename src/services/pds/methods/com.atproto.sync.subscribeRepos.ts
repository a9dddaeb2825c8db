import { ComAtprotoSyncSubscribeRepos } from '@atcute/atproto'
import type { Entry } from '#platform/storage'
import { encodeFrame, noAuth, subscription, XrpcError } from '#protocol/xrpc'
import { isPublic } from '../journal/index.ts'
import type { Pds } from '../parts.ts'

/**
 * The host's events: the journal's public entries, byte for byte, from the cursor on. Without a
 * cursor: what happens from now on. Errors: FutureCursor; `#info` OutdatedCursor.
 */
export const subscribeRepos = ({ journal }: Pick<Pds, 'journal'>) =>
  subscription(ComAtprotoSyncSubscribeRepos.mainSchema, {
    auth: noAuth,
    async *handle({ params: { cursor }, request: { signal } }) {
      const { first, last } = journal.stream.bounds()
      if (cursor !== undefined && cursor > last) {
        throw new XrpcError(400, 'FutureCursor', 'Cursor in the future.')
      }
      if (cursor !== undefined && cursor < first - 1 && first > 1) {
        const message = 'Requested cursor exceeded limit. Possibly missing events'
        yield [encodeFrame('#info', { name: 'OutdatedCursor', message })]
      }
      for await (const batch of journal.stream.read({
        after: cursor ?? last,
        live: true,
        signal,
      })) {
        const frames = framesOf(batch)
        if (frames.length > 0) yield frames
      }
    },
  })

/** The live tail hands every reader the same batch: its frames are picked once. */
const picked = new WeakMap<readonly Entry[], Uint8Array[]>()

function framesOf(batch: readonly Entry[]): Uint8Array[] {
  const known = picked.get(batch)
  if (known) return known
  const frames: Uint8Array[] = []
  for (const entry of batch) {
    if (isPublic(entry.kind) && !entry.blanked) frames.push(entry.payload)
  }
  picked.set(batch, frames)
  return frames
}
