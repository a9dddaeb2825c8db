import { ComAtprotoServerResetPassword } from '@atcute/atproto'
import { noAuth, procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { codeRates } from '../rates.ts'
import { endSignIns } from './end-sign-ins.ts'
import { requirePassword } from './password.ts'

/** Sets a new password with a mailed code, and ends all sessions. Errors: InvalidToken, ExpiredToken. */
export const resetPassword = ({
  accounts,
  codes,
  passwords,
  devices,
  sessions,
}: Pick<Pds, 'accounts' | 'codes' | 'passwords' | 'devices' | 'sessions'>) =>
  procedure(ComAtprotoServerResetPassword.mainSchema, {
    auth: noAuth,
    limits: { bodyBytes: 10_000, rates: codeRates },
    async handle({ input }) {
      const password = requirePassword(input.password)
      const did = await codes.useWhoever('reset-password', input.token)
      await accounts.setPassword(did, await passwords.hash(password))
      await endSignIns({ devices, sessions }, did)
    },
  })
