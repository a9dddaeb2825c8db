import { ComAtprotoAdminDeleteAccount } from '@atcute/atproto'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { requireAccount } from './admin-subject.ts'

/** Deletes an account for good, by the operator's word alone. Errors: NotFound. */
export const deleteAccount = ({
  accounts,
  callers,
  standing,
}: Pick<Pds, 'accounts' | 'callers' | 'standing'>) =>
  procedure(ComAtprotoAdminDeleteAccount.mainSchema, {
    auth: callers.admin,
    async handle({ input }) {
      const { did } = await requireAccount(accounts, input.did)
      await standing.delete(did)
    },
  })
