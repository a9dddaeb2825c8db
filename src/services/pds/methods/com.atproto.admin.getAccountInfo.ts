import { ComAtprotoAdminGetAccountInfo } from '@atcute/atproto'
import { query } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { accountViews, relatedRecords } from './account-view.ts'
import { requireAccount } from './admin-subject.ts'

/** One account, with its invite codes and its profile. Errors: NotFound. */
export const getAccountInfo = (pds: Pick<Pds, 'accounts' | 'callers' | 'files' | 'invites'>) =>
  query(ComAtprotoAdminGetAccountInfo.mainSchema, {
    auth: pds.callers.operator('look'),
    async handle({ params: { did } }) {
      const account = await requireAccount(pds.accounts, did)
      const [view] = await accountViews(pds, [account])
      return { ...view!, relatedRecords: relatedRecords(pds, account) as never }
    },
  })
