import { letGo as schema } from '#protocol/account'
import { procedure, XrpcError } from '#protocol/xrpc'
import { tellOwnerOfOperator } from '../mail/index.ts'
import type { Pds } from '../parts.ts'
import { requireAccount } from './admin-subject.ts'

/**
 * Opens an account for its move to another host in its owner's name, and tells the owner. Errors:
 * NotFound, NotNow.
 */
export const letAccountGo = ({
  accounts,
  callers,
  codes,
  mail,
  sessions,
}: Pick<Pds, 'accounts' | 'callers' | 'codes' | 'mail' | 'sessions'>) =>
  procedure(schema, {
    auth: callers.admin,
    limits: { bodyBytes: 4_096 },
    async handle({ input }) {
      const account = await requireAccount(accounts, input.account)
      const { did, handle, email, passwordHash, status } = account
      if (status !== 'active' && status !== 'deactivated') {
        throw new XrpcError(400, 'NotNow', `This account is ${status}: ${did}`)
      }
      const tokens = await sessions.create(did, undefined, input.check ? '' : 'move')
      const opened = { did, handle, ...(email !== undefined && { email }), ...tokens }
      if (input.check) return opened
      const { code } = await codes.create(did, 'plc-operation', { perHour: 50 })
      await tellOwnerOfOperator({ mail }, account, 'notice-operator-move')
      return { ...opened, code, passwordHash }
    },
  })
