import { ComAtprotoTempRevokeAccountCredentials } from '@atcute/atproto'
import { procedure } from '#protocol/xrpc'
import { tellOwnerOfOperator } from '../mail/index.ts'
import type { Pds } from '../parts.ts'
import { requireAccount } from './admin-subject.ts'
import { endSignIns } from './end-sign-ins.ts'

type Parts = Pick<
  Pds,
  'accounts' | 'callers' | 'devices' | 'factors' | 'mail' | 'passwords' | 'sessions'
>

/**
 * Shuts everybody out of an account that fell into wrong hands, or whose owner lost what they prove
 * themselves with: its password, app passwords, second factors and sessions. A password reset by mail
 * opens it again. Errors: NotFound.
 */
export const revokeAccountCredentials = ({
  accounts,
  callers,
  passwords,
  devices,
  factors,
  mail,
  sessions,
}: Parts) =>
  procedure(ComAtprotoTempRevokeAccountCredentials.mainSchema, {
    auth: callers.admin,
    async handle({ input }) {
      const account = await requireAccount(accounts, input.account)
      const { did } = account
      await accounts.setPassword(did, await passwords.unknown())
      await passwords.deleteAppPasswords(did)
      // Whoever had it may have added one of their own.
      await factors.removeAll(did)
      await endSignIns({ devices, sessions }, did)
      await tellOwnerOfOperator({ mail }, account, 'notice-operator-shut')
    },
  })
