import { letVaultRead as schema } from '#protocol/account'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { identityRates } from '../rates.ts'

/** Lets a vault read what is not in the caller's repository. Errors: NoVault, TooMany. */
export const letVaultRead = ({ callers, vaultGrants }: Pick<Pds, 'callers' | 'vaultGrants'>) =>
  procedure(schema, {
    auth: callers.account({ least: 'full' }),
    limits: { rates: identityRates },
    handle: ({ input, caller: { did } }) => vaultGrants.grant(did, input.vault),
  })
