import { ComAtprotoAdminUpdateAccountPassword } from '@atcute/atproto'
import { procedure } from '#protocol/xrpc'
import { tellOwnerOfOperator } from '../mail/index.ts'
import type { Pds } from '../parts.ts'
import { requireAccount } from './admin-subject.ts'
import { endSignIns } from './end-sign-ins.ts'
import { requirePassword } from './password.ts'

type Parts = Pick<Pds, 'accounts' | 'callers' | 'passwords' | 'devices' | 'mail' | 'sessions'>

/** Sets an account's password, and ends all its sessions. Errors: NotFound, InvalidPassword. */
export const updateAccountPassword = ({
  accounts,
  callers,
  passwords,
  devices,
  mail,
  sessions,
}: Parts) =>
  procedure(ComAtprotoAdminUpdateAccountPassword.mainSchema, {
    auth: callers.admin,
    async handle({ input }) {
      const password = requirePassword(input.password)
      const account = await requireAccount(accounts, input.did)
      const { did } = account
      await accounts.setPassword(did, await passwords.hash(password))
      await endSignIns({ devices, sessions }, did)
      await tellOwnerOfOperator({ mail }, account, 'notice-operator-password')
    },
  })
