import { ComAtprotoServerDeleteSession } from '@atcute/atproto'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/** Ends the session of a refresh token, also of one that has run out; its access tokens with it. */
export const deleteSession = ({ callers, sessions }: Pick<Pds, 'callers' | 'sessions'>) =>
  procedure(ComAtprotoServerDeleteSession.mainSchema, {
    auth: callers.refresh({ allowExpired: true }),
    handle: ({ caller }) => sessions.end(caller.did, caller.id),
  })
