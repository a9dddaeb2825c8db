import { ComAtprotoAdminDisableInviteCodes } from '@atcute/atproto'
import { invalidRequest, procedure } from '#protocol/xrpc'
import { OPERATOR } from '../accounts/index.ts'
import type { Pds } from '../parts.ts'

const NAMES_MAX = 10_000

/** Stops invite codes by name, and all that accounts hold; never all of the operator's own. */
export const disableInviteCodes = ({ callers, invites }: Pick<Pds, 'callers' | 'invites'>) =>
  procedure(ComAtprotoAdminDisableInviteCodes.mainSchema, {
    auth: callers.operator('care'),
    async handle({ input: { codes = [], accounts = [] } }) {
      if (accounts.includes(OPERATOR)) throw invalidRequest('cannot disable admin invite codes')
      if (codes.length + accounts.length > NAMES_MAX) {
        throw invalidRequest(`At most ${NAMES_MAX} codes and accounts at once`)
      }
      await invites.disable(codes, accounts)
    },
  })
