import { ComAtprotoLabelSubscribeLabels } from '@atcute/atproto'
import type { Entry } from '#platform/storage'
import { followLog, framesOnce, noAuth, subscription } from '#protocol/xrpc'
import type { Moderation } from '../parts.ts'

/** Every label as it was said, from a cursor on; without one, from now on. */
export const subscribeLabels = ({ stream }: Pick<Moderation, 'stream'>) =>
  subscription(ComAtprotoLabelSubscribeLabels.mainSchema, {
    auth: noAuth,
    handle: ({ params: { cursor }, request: { signal } }) =>
      followLog(stream, { cursor, signal }, framesOf),
  })

const framesOf = framesOnce<Entry>(({ payload }) => payload)
