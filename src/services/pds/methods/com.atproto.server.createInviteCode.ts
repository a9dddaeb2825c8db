import { ComAtprotoServerCreateInviteCode } from '@atcute/atproto'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/** A code for `useCount` sign-ups, by the operator. */
export const createInviteCode = ({ callers, invites }: Pick<Pds, 'callers' | 'invites'>) =>
  procedure(ComAtprotoServerCreateInviteCode.mainSchema, {
    auth: callers.admin,
    handle: async ({ input }) => ({ code: await invites.create(input.useCount) }),
  })
