import { ComAtprotoServerDeactivateAccount } from '@atcute/atproto'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/** Takes the account off the network; everything stays here for its owner. */
export const deactivateAccount = ({ callers, standing }: Pick<Pds, 'callers' | 'standing'>) =>
  procedure(ComAtprotoServerDeactivateAccount.mainSchema, {
    auth: callers.account({ deactivated: true, least: 'full' }),
    async handle({ input, caller }) {
      const deleteAfterMs = input.deleteAfter ? Date.parse(input.deleteAfter) : undefined
      await standing.deactivate(caller.account, deleteAfterMs)
    },
  })
