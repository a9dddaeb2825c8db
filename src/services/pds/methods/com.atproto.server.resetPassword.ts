import { ComAtprotoServerResetPassword } from '@atcute/atproto'
import { noAuth, procedure } from '#protocol/xrpc'
import { tellOwner } from '../mail/index.ts'
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
  mail,
  sessions,
}: Pick<Pds, 'accounts' | 'codes' | 'passwords' | 'devices' | 'mail' | 'sessions'>) =>
  procedure(ComAtprotoServerResetPassword.mainSchema, {
    auth: noAuth,
    limits: { bodyBytes: 10_000, rates: codeRates },
    async handle({ input, request }) {
      const password = requirePassword(input.password)
      const did = await codes.useWhoever('reset-password', input.token)
      await accounts.setPassword(did, await passwords.hash(password))
      await endSignIns({ devices, sessions }, did)
      const account = await accounts.get(did)
      if (account) await tellOwner({ mail }, account, 'notice-password', request)
    },
  })
