import { ComAtprotoSyncSubscribeRepos } from '@atcute/atproto'
import type { Entry } from '#platform/storage'
import { followLog, framesOnce, noAuth, subscription } from '#protocol/xrpc'
import { frameOf } from '../ingest/index.ts'
import type { Relay } from '../parts.ts'

/** The merged events of all hosts, under this relay's own numbering. */
export const subscribeRepos = ({ stream }: Pick<Relay, 'stream'>) =>
  subscription(ComAtprotoSyncSubscribeRepos.mainSchema, {
    auth: noAuth,
    handle: ({ params: { cursor }, request: { signal } }) =>
      followLog(stream, { cursor, signal }, framesOf),
  })

const framesOf = framesOnce<Entry>(frameOf)
