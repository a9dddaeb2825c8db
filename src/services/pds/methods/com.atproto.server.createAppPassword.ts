import { ComAtprotoServerCreateAppPassword } from '@atcute/atproto'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { appPasswordRates } from '../rates.ts'

/** A password for one app, revocable by itself. It is shown only here. */
export const createAppPassword = ({ callers, passwords }: Pick<Pds, 'callers' | 'passwords'>) =>
  procedure(ComAtprotoServerCreateAppPassword.mainSchema, {
    auth: callers.account({ least: 'full' }),
    limits: { rates: appPasswordRates },
    handle: ({ input, caller }) =>
      passwords.createAppPassword(caller.did, input.name, input.privileged === true),
  })
