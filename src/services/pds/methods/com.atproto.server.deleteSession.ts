import { ComAtprotoServerDeleteSession } from '@atcute/atproto'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/** Ends the session of a refresh token, also of one that has run out. */
export const deleteSession = ({ callers, sessions }: Pick<Pds, 'callers' | 'sessions'>) =>
  procedure(ComAtprotoServerDeleteSession.mainSchema, {
    auth: callers.refresh({ allowExpired: true }),
    handle: ({ caller }) => sessions.revoke(caller.id),
  })
