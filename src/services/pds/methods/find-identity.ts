import {
  type DidDocument,
  INVALID_HANDLE,
  identityOf,
  type LookupOptions,
} from '#protocol/identity'
import { type Did, type Handle, isDid, parseHandle } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

type Parts = Pick<Pds, 'accounts' | 'directory' | 'handles' | 'plc'>

/** An identity as `com.atproto.identity.defs#identityInfo` shows it. */
export interface IdentityInfo {
  did: Did
  handle: Handle
  didDoc: DidDocument & Record<string, unknown>
}

/**
 * The DID of a handle: from our own accounts, else from its domain. A handle of one of our domains
 * that is not ours is looked up nowhere else. Throws HandleNotFound.
 */
export async function findHandle(
  { accounts, directory, handles }: Pick<Parts, 'accounts' | 'directory' | 'handles'>,
  handle: Handle,
  { fresh, ownOnly }: LookupOptions & { ownOnly?: boolean } = {},
): Promise<Did> {
  const account = await accounts.byHandle(handle)
  if (account && account.status !== 'takendown') return account.did
  const stays = ownOnly === true || handles.isOwn(handle)
  const did = stays ? undefined : await directory.resolveHandle(handle, { fresh: fresh === true })
  if (!did) throw new XrpcError(400, 'HandleNotFound', 'Unable to resolve handle')
  return did
}

/** The current document of a DID. Throws DidNotFound, and DidDeactivated for one that ended. */
export async function findDocument(
  { directory, plc }: Pick<Parts, 'directory' | 'plc'>,
  did: Did,
  lookup?: LookupOptions,
): Promise<DidDocument> {
  const document = await directory.document(did, lookup)
  if (document) return document
  const last = did.startsWith('did:plc:') ? await plc.last(did) : undefined
  if (last?.type === 'plc_tombstone') {
    throw new XrpcError(400, 'DidDeactivated', `${did} was deactivated`)
  }
  throw new XrpcError(400, 'DidNotFound', `Could not resolve ${did}`)
}

/**
 * Who a handle or a DID is, checked in both directions: 'handle.invalid' stands for a handle that
 * does not lead back. Throws HandleNotFound, DidNotFound, DidDeactivated.
 */
export async function findIdentity(
  parts: Parts,
  identifier: string,
  lookup?: LookupOptions,
): Promise<IdentityInfo> {
  const named = isDid(identifier) ? undefined : parseHandle(identifier)
  const did = named ? await findHandle(parts, named, lookup) : (identifier as Did)
  const didDoc = await findDocument(parts, did, lookup)
  const claimed = identityOf(didDoc).handle
  const isProven =
    claimed !== undefined && (claimed === named || (await leadsTo(parts, claimed, did, lookup)))
  const handle = isProven ? claimed : (INVALID_HANDLE as Handle)
  return { did, handle, didDoc: didDoc as IdentityInfo['didDoc'] }
}

/** False also when nobody could say: a handle that cannot be confirmed is not shown. */
async function leadsTo(
  parts: Parts,
  handle: Handle,
  did: Did,
  lookup?: LookupOptions,
): Promise<boolean> {
  try {
    return (await findHandle(parts, handle, lookup)) === did
  } catch {
    return false
  }
}
