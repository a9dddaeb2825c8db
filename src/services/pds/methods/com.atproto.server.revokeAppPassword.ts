import { ComAtprotoServerRevokeAppPassword } from '@atcute/atproto'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/** Revokes an app password and ends the sessions it opened. */
export const revokeAppPassword = ({
  callers,
  passwords,
  sessions,
}: Pick<Pds, 'callers' | 'passwords' | 'sessions'>) =>
  procedure(ComAtprotoServerRevokeAppPassword.mainSchema, {
    auth: callers.account({ least: 'full' }),
    async handle({ input, caller }) {
      await passwords.deleteAppPassword(caller.did, input.name)
      await sessions.revokeAppPassword(caller.did, input.name)
    },
  })
