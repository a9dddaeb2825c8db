import { ComAtprotoSyncGetRepoStatus } from '@atcute/atproto'
import { noAuth, query } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/** Whether an account is hosted here and active, with the rev when it is. */
export const getRepoStatus = ({ accounts, files }: Pick<Pds, 'accounts' | 'files'>) =>
  query(ComAtprotoSyncGetRepoStatus.mainSchema, {
    auth: noAuth,
    async handle({ params }) {
      const { did, status, generation } = await accounts.require(params.did)
      if (status !== 'active') return { did, active: false, status }
      return { did, active: true, rev: files.open(did, generation).head()?.rev }
    },
  })
