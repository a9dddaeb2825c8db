import type { Account } from '../accounts/index.ts'
import type { Pds } from '../parts.ts'

export type RenamingParts = Pick<Pds, 'directory' | 'handles' | 'hostedDids' | 'standing'>

/**
 * Gives an account another handle: claimed here, written to its identity, announced. An identity
 * that this host does not write, as a did:web, has to name the handle before. `reserved`: also one
 * that is kept back. Throws InvalidHandle, UnsupportedDomain, HandleNotAvailable, InvalidRequest,
 * PlcRefused.
 */
export async function changeHandle(
  { directory, handles, hostedDids, standing }: RenamingParts,
  account: Account,
  text: string,
  options: { reserved?: boolean } = {},
): Promise<void> {
  const { did } = account
  const handle = await handles.requireFor(did, text, options)
  const isOurs = did.startsWith('did:plc:') || hostedDids.isHosted(did)
  if (!isOurs) await handles.requireNamed(did, handle)
  await standing.rename(account, handle)
  directory.forget(did)
}
