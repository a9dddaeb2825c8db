import { ComAtprotoServerActivateAccount } from '@atcute/atproto'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { type IdentityParts, requireIdentityHere } from './identity-here.ts'

/** Brings a deactivated account onto the network, once its identity points to this host. */
export const activateAccount = (
  pds: IdentityParts & Pick<Pds, 'callers' | 'heldWrites' | 'hostedDids' | 'standing'>,
) =>
  procedure(ComAtprotoServerActivateAccount.mainSchema, {
    auth: pds.callers.account({ deactivated: true, least: 'full' }),
    async handle({ caller: { account } }) {
      await requireIdentityHere(pds, account)
      if (pds.hostedDids.isHosted(account.did)) await pds.hostedDids.follow(account.did)
      await pds.standing.activate(account)
      pds.heldWrites.release(account.did)
    },
  })
