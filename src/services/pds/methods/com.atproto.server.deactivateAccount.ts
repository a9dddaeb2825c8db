import { ComAtprotoServerDeactivateAccount } from '@atcute/atproto'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/** Takes the account off the network; everything stays here for its owner. */
export const deactivateAccount = ({
  callers,
  standing,
  takedowns,
}: Pick<Pds, 'callers' | 'standing' | 'takedowns'>) =>
  procedure(ComAtprotoServerDeactivateAccount.mainSchema, {
    auth: callers.account({ deactivated: true, takendown: true, least: 'full' }),
    async handle({ input, caller: { account } }) {
      const deleteAfterMs = input.deleteAfter ? Date.parse(input.deleteAfter) : undefined
      // Taken down it stays; brought back, it is what its owner wanted.
      if (account.status === 'takendown') await takedowns.setPrevious(account.did, 'deactivated')
      await standing.deactivate(account, deleteAfterMs)
    },
  })
