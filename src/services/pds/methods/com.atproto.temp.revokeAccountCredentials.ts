import { ComAtprotoTempRevokeAccountCredentials } from '@atcute/atproto'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { requireAccount } from './admin-subject.ts'
import { endSignIns } from './end-sign-ins.ts'

type Parts = Pick<Pds, 'accounts' | 'callers' | 'passwords' | 'devices' | 'sessions'>

/**
 * Shuts everybody out of an account that fell into wrong hands: its password, its app passwords and
 * its sessions. A password reset by mail opens it again. Errors: NotFound.
 */
export const revokeAccountCredentials = ({
  accounts,
  callers,
  passwords,
  devices,
  sessions,
}: Parts) =>
  procedure(ComAtprotoTempRevokeAccountCredentials.mainSchema, {
    auth: callers.admin,
    async handle({ input }) {
      const { did } = await requireAccount(accounts, input.account)
      await accounts.setPassword(did, await passwords.unknown())
      await passwords.deleteAppPasswords(did)
      await endSignIns({ devices, sessions }, did)
    },
  })
