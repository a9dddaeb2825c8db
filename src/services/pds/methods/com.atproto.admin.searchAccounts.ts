import { ComAtprotoAdminSearchAccounts } from '@atcute/atproto'
import { query } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { accountViews } from './account-view.ts'

/** Accounts whose address or handle has a text in it, or all, a page at a time. */
export const searchAccounts = (pds: Pick<Pds, 'accounts' | 'callers' | 'invites'>) =>
  query(ComAtprotoAdminSearchAccounts.mainSchema, {
    auth: pds.callers.operator('look'),
    async handle({ params: { email, limit, cursor } }) {
      const found = await pds.accounts.search({ text: email, limit, cursor })
      const last = found.length === limit ? found.at(-1)?.did : undefined
      return { accounts: await accountViews(pds, found), cursor: last }
    },
  })
