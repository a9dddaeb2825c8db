import { ComAtprotoServerGetSession } from '@atcute/atproto'
import { query } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { anyApp } from '../sign-in/index.ts'
import { sessionView } from './session-view.ts'

/** Who the access token belongs to; also while deactivated. */
export const getSession = (pds: Pick<Pds, 'callers' | 'directory' | 'factors'>) =>
  query(ComAtprotoServerGetSession.mainSchema, {
    auth: pds.callers.account({ deactivated: true, app: anyApp }),
    handle: ({ caller }) => sessionView(pds, caller.account, caller.permissions),
  })
