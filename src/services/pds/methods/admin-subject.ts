import { parseAtUri, parseDid } from '#protocol/syntax'
import { invalidRequest, XrpcError } from '#protocol/xrpc'
import type { Account } from '../accounts/index.ts'
import type { Pds } from '../parts.ts'
import { takedownKey } from '../takedowns/index.ts'

/** The subject of an admin call: an account, a record, or a blob. */
export interface AdminSubject {
  $type?: string
  did?: string
  uri?: string
  cid?: string
}

/** An account by DID or handle, whatever its standing. Throws NotFound. */
export async function requireAccount(
  accounts: Pds['accounts'],
  identifier: string,
): Promise<Account> {
  const account = await accounts.find(identifier)
  if (!account) throw new XrpcError(400, 'NotFound', `Account not found: ${identifier}`)
  return account
}

/** Whose it is, and what takedowns call it. Throws NotFound, InvalidRequest. */
export async function readAdminSubject(
  { accounts }: Pick<Pds, 'accounts'>,
  { $type, did, uri, cid }: AdminSubject,
): Promise<{ account: Account; key: string; isAccount: boolean }> {
  if ($type === 'com.atproto.repo.strongRef') {
    const { authority, collection, rkey } = parseAtUri(uri ?? '')
    if (rkey === undefined) throw invalidRequest('Not the URI of a record')
    const account = await requireAccount(accounts, authority)
    const key = takedownKey(`at://${account.did}/${collection}/${rkey}`)
    return { account, key, isAccount: false }
  }
  const account = await requireAccount(accounts, parseDid(did ?? ''))
  const isAccount = $type !== 'com.atproto.admin.defs#repoBlobRef'
  const key = takedownKey(isAccount ? account.did : { did: account.did, cid: cid ?? '' })
  return { account, key, isAccount }
}
