import { ComAtprotoServerActivateAccount } from '@atcute/atproto'
import { identityOf } from '#protocol/identity'
import { procedure, XrpcError } from '#protocol/xrpc'
import type { Account } from '../accounts/index.ts'
import type { Pds } from '../parts.ts'

type Parts = Pick<Pds, 'callers' | 'directory' | 'host' | 'standing'>

/** Brings a deactivated account onto the network, once its identity points to this host. */
export const activateAccount = (pds: Parts) =>
  procedure(ComAtprotoServerActivateAccount.mainSchema, {
    auth: pds.callers.account({ deactivated: true, least: 'full' }),
    async handle({ caller: { account } }) {
      await requireIdentityHere(pds, account)
      await pds.standing.activate(account)
    },
  })

/** Throws InvalidRequest when the DID document names another host or another key. */
async function requireIdentityHere({ directory, host }: Parts, account: Account): Promise<void> {
  const document = await directory.document(account.did, { fresh: true })
  const identity = document && identityOf(document)
  if (!identity) throw new XrpcError(400, 'InvalidRequest', 'Could not resolve the identity')
  if (identity.pds !== host.publicUrl) {
    throw new XrpcError(
      400,
      'InvalidRequest',
      `The identity points to ${identity.pds ?? 'no host'}`,
    )
  }
  if (identity.signingKey !== account.signingKey.publicKey.didKey) {
    throw new XrpcError(400, 'InvalidRequest', 'The identity names another signing key')
  }
}
