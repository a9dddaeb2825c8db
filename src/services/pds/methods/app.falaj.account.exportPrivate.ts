import { exportPrivateState as schema } from '#protocol/account'
import { parseDid } from '#protocol/syntax'
import { query } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/** What is not in an account's repository, for a vault that may read it. Errors: NotGranted. */
export const exportPrivate = ({ callers, vaultGrants }: Pick<Pds, 'callers' | 'vaultGrants'>) =>
  query(schema, {
    auth: callers.service((iss) => vaultGrants.isKnown(iss)),
    handle: ({ params, caller: { iss } }) => vaultGrants.read(iss, parseDid(params.did)),
  })
