import { parseAtUri, parseDid } from '#protocol/syntax'
import { invalidRequest } from '#protocol/xrpc'
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

/** Whose it is, and what takedowns call it. Throws RepoNotFound, InvalidRequest. */
export async function readAdminSubject(
  { accounts }: Pick<Pds, 'accounts'>,
  { $type, did, uri, cid }: AdminSubject,
): Promise<{ account: Account; key: string; isAccount: boolean }> {
  if ($type === 'com.atproto.repo.strongRef') {
    const { authority, collection, rkey } = parseAtUri(uri ?? '')
    if (rkey === undefined) throw invalidRequest('Not the URI of a record')
    const account = await accounts.require(authority)
    const key = takedownKey(`at://${account.did}/${collection}/${rkey}`)
    return { account, key, isAccount: false }
  }
  const account = await accounts.require(parseDid(did ?? ''))
  const isAccount = $type !== 'com.atproto.admin.defs#repoBlobRef'
  const key = takedownKey(isAccount ? account.did : { did: account.did, cid: cid ?? '' })
  return { account, key, isAccount }
}
