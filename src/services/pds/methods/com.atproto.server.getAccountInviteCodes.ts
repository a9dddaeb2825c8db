import { ComAtprotoServerGetAccountInviteCodes } from '@atcute/atproto'
import { query } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/** The owner's invite codes that are not stopped; what they have earned by now is made first. */
export const getAccountInviteCodes = ({ callers, invites }: Pick<Pds, 'callers' | 'invites'>) =>
  query(ComAtprotoServerGetAccountInviteCodes.mainSchema, {
    auth: callers.account({ deactivated: true, least: 'full' }),
    async handle({ params: { createAvailable, includeUsed }, caller: { account } }) {
      const codes = await invites.ofAccount(account, { earn: createAvailable })
      return {
        codes: codes.filter(
          ({ disabled, uses, available }) => !disabled && (includeUsed || uses.length < available),
        ),
      }
    },
  })
