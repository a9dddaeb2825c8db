import { identityOf } from '#protocol/identity'
import { invalidRequest } from '#protocol/xrpc'
import type { Account } from '../accounts/index.ts'
import type { Pds } from '../parts.ts'

export type IdentityParts = Pick<Pds, 'directory' | 'host' | 'plc'>

/**
 * An account is hosted here once its identity names this host, the key that signs here and, in the
 * PLC directory, a rotation key of this host. Throws InvalidRequest, UpstreamError.
 */
export async function requireIdentityHere(
  { directory, host, plc }: IdentityParts,
  account: Account,
): Promise<void> {
  const { did } = account
  const document = await directory.document(did, { fresh: true })
  const identity = document && identityOf(document)
  if (!identity) throw invalidRequest('Could not resolve the identity')
  if (identity.pds !== host.publicUrl) {
    throw invalidRequest(`The identity points to ${identity.pds ?? 'no host'}`)
  }
  if (identity.signingKey !== account.signingKey.publicKey.didKey) {
    throw invalidRequest('The identity names another signing key')
  }
  if (did.startsWith('did:plc:') && !(await plc.mayChange(did))) {
    throw invalidRequest('Server rotation key not included in PLC DID data')
  }
}
