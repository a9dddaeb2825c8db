import { ComAtprotoServerDeleteSession } from '@atcute/atproto'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/** Ends the session of a refresh token. */
export const deleteSession = ({ callers, sessions }: Pick<Pds, 'callers' | 'sessions'>) =>
  procedure(ComAtprotoServerDeleteSession.mainSchema, {
    auth: callers.refresh,
    handle: ({ caller }) => sessions.revoke(caller.id),
  })
