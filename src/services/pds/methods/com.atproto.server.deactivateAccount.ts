import { ComAtprotoServerDeactivateAccount } from '@atcute/atproto'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/** Takes the account off the network; everything stays here for its owner. */
export const deactivateAccount = ({
  callers,
  heldWrites,
  standing,
  suspensions,
}: Pick<Pds, 'callers' | 'heldWrites' | 'standing' | 'suspensions'>) =>
  procedure(ComAtprotoServerDeactivateAccount.mainSchema, {
    auth: callers.account({ deactivated: true, takendown: true, least: 'full' }),
    async handle({ input, caller: { account } }) {
      const deleteAfterMs = input.deleteAfter ? Date.parse(input.deleteAfter) : undefined
      // Held back it stays; let go, it is what its owner wanted.
      await suspensions.whenFree(account, 'deactivated')
      await heldWrites.leave(account.did, () => standing.deactivate(account, deleteAfterMs))
    },
  })
