import { ComAtprotoServerGetSession } from '@atcute/atproto'
import { query } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { sessionView } from './session-view.ts'

/** Who the access token belongs to; also while deactivated. */
export const getSession = (pds: Pick<Pds, 'callers' | 'directory'>) =>
  query(ComAtprotoServerGetSession.mainSchema, {
    auth: pds.callers.account({ deactivated: true }),
    handle: ({ caller }) => sessionView(pds, caller.account),
  })
