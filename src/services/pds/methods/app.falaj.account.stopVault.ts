import { stopVault as schema } from '#protocol/account'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/** Takes back what a vault was let read, from this moment on. */
export const stopVault = ({ callers, vaultGrants }: Pick<Pds, 'callers' | 'vaultGrants'>) =>
  procedure(schema, {
    auth: callers.account({ deactivated: true, least: 'full' }),
    handle: ({ input, caller: { did } }) => vaultGrants.revoke(did, input.did),
  })
