import { ComAtprotoAdminGetAccountInfos } from '@atcute/atproto'
import { invalidRequest, query } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { accountViews } from './account-view.ts'

const DIDS_MAX = 100

/** Several accounts; those that are not here are left out. */
export const getAccountInfos = (pds: Pick<Pds, 'accounts' | 'callers' | 'invites'>) =>
  query(ComAtprotoAdminGetAccountInfos.mainSchema, {
    auth: pds.callers.operator('look'),
    async handle({ params: { dids } }) {
      if (dids.length > DIDS_MAX) throw invalidRequest(`At most ${DIDS_MAX} DIDs at once`)
      const found = await Promise.all([...new Set(dids)].map((did) => pds.accounts.get(did)))
      return {
        infos: await accountViews(
          pds,
          found.filter((account) => account !== undefined),
        ),
      }
    },
  })
