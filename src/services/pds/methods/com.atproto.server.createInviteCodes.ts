import { ComAtprotoServerCreateInviteCodes } from '@atcute/atproto'
import { procedure } from '#protocol/xrpc'
import { OPERATOR } from '../accounts/index.ts'
import type { Pds } from '../parts.ts'

/** `codeCount` codes for each account, or for the operator. */
export const createInviteCodes = ({ callers, invites }: Pick<Pds, 'callers' | 'invites'>) =>
  procedure(ComAtprotoServerCreateInviteCodes.mainSchema, {
    auth: callers.operator('invite'),
    async handle({ input: { codeCount, useCount, forAccounts = [OPERATOR] } }) {
      return { codes: await invites.create({ codeCount, useCount, forAccounts }) }
    },
  })
