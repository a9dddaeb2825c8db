import { ComAtprotoServerCreateAppPassword } from '@atcute/atproto'
import { procedure } from '#protocol/xrpc'
import { tellOwner } from '../mail/index.ts'
import type { Pds } from '../parts.ts'
import { appPasswordRates } from '../rates.ts'

/** A password for one app, revocable by itself. It is shown only here, and its owner is told. */
export const createAppPassword = ({
  callers,
  mail,
  passwords,
  vaultGrants,
}: Pick<Pds, 'callers' | 'mail' | 'passwords' | 'vaultGrants'>) =>
  procedure(ComAtprotoServerCreateAppPassword.mainSchema, {
    auth: callers.account({ least: 'full' }),
    limits: { rates: appPasswordRates },
    async handle({ input, caller: { account, did }, request }) {
      const made = await passwords.createAppPassword(did, input.name, input.privileged === true)
      await tellOwner({ mail }, account, 'notice-app-password', request)
      vaultGrants.changed(did)
      return made
    },
  })
