import { ComAtprotoServerCreateInviteCode } from '@atcute/atproto'
import { procedure } from '#protocol/xrpc'
import { OPERATOR } from '../accounts/index.ts'
import type { Pds } from '../parts.ts'

/** A code for `useCount` sign-ups, held by an account or the operator. */
export const createInviteCode = ({ callers, invites }: Pick<Pds, 'callers' | 'invites'>) =>
  procedure(ComAtprotoServerCreateInviteCode.mainSchema, {
    auth: callers.operator('invite'),
    async handle({ input: { useCount, forAccount = OPERATOR } }) {
      const made = await invites.create({ codeCount: 1, useCount, forAccounts: [forAccount] })
      return { code: made[0]!.codes[0]! }
    },
  })
