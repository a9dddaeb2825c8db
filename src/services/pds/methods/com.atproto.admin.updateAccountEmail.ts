import { ComAtprotoAdminUpdateAccountEmail } from '@atcute/atproto'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { requireAccount } from './admin-subject.ts'
import { requireEmail } from './email.ts'

/** Gives an account another address, which its owner has yet to confirm. Errors: NotFound, InvalidRequest. */
export const updateAccountEmail = ({ accounts, callers }: Pick<Pds, 'accounts' | 'callers'>) =>
  procedure(ComAtprotoAdminUpdateAccountEmail.mainSchema, {
    auth: callers.admin,
    async handle({ input }) {
      const { did } = await requireAccount(accounts, input.account)
      await accounts.setEmail(did, requireEmail(input.email), undefined)
    },
  })
