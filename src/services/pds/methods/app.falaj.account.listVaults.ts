import { listVaults as schema } from '#protocol/account'
import { query } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/** Vaults that may read what is not in the caller's repository. */
export const listVaults = ({ callers, vaultGrants }: Pick<Pds, 'callers' | 'vaultGrants'>) =>
  query(schema, {
    auth: callers.account({ deactivated: true, least: 'full' }),
    handle: async ({ caller: { did } }) => ({ vaults: await vaultGrants.list(did) }),
  })
