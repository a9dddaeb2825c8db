import { ComAtprotoServerRevokeAppPassword } from '@atcute/atproto'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/** Revokes an app password and ends the sessions it opened. */
export const revokeAppPassword = ({
  callers,
  passwords,
  sessions,
  vaultGrants,
}: Pick<Pds, 'callers' | 'passwords' | 'sessions' | 'vaultGrants'>) =>
  procedure(ComAtprotoServerRevokeAppPassword.mainSchema, {
    auth: callers.account({ least: 'full' }),
    async handle({ input, caller }) {
      await passwords.deleteAppPassword(caller.did, input.name)
      await sessions.revokeAppPassword(caller.did, input.name)
      vaultGrants.changed(caller.did)
    },
  })
