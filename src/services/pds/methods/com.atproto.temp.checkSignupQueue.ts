import { ComAtprotoTempCheckSignupQueue } from '@atcute/atproto'
import { query } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { anyApp } from '../sign-in/index.ts'

/** An account of this host is an account at once: nobody waits here. */
export const checkSignupQueue = ({ callers }: Pick<Pds, 'callers'>) =>
  query(ComAtprotoTempCheckSignupQueue.mainSchema, {
    auth: callers.account({ deactivated: true, app: anyApp }),
    handle: () => ({ activated: true }),
  })
