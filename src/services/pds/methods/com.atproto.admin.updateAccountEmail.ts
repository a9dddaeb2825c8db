import { ComAtprotoAdminUpdateAccountEmail } from '@atcute/atproto'
import { procedure } from '#protocol/xrpc'
import { tellOwnerOfOperator } from '../mail/index.ts'
import type { Pds } from '../parts.ts'
import { requireAccount } from './admin-subject.ts'
import { requireEmail } from './email.ts'

/** Gives an account another address, which its owner has yet to confirm. Errors: NotFound, InvalidRequest. */
export const updateAccountEmail = ({
  accounts,
  callers,
  mail,
}: Pick<Pds, 'accounts' | 'callers' | 'mail'>) =>
  procedure(ComAtprotoAdminUpdateAccountEmail.mainSchema, {
    auth: callers.admin,
    async handle({ input }) {
      const before = { ...(await requireAccount(accounts, input.account)) }
      const email = requireEmail(input.email)
      await accounts.setEmail(before.did, email, undefined)
      if (email !== before.email)
        await tellOwnerOfOperator({ mail }, before, 'notice-operator-email')
    },
  })
