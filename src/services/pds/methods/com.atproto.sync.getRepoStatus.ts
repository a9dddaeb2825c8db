import { ComAtprotoSyncGetRepoStatus } from '@atcute/atproto'
import type { Did } from '#protocol/syntax'
import { noAuth, query, XrpcError } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/** Whether an account is hosted here and active, with the rev when it is. Errors: RepoNotFound. */
export const getRepoStatus = ({ accounts, files }: Pick<Pds, 'accounts' | 'files'>) =>
  query(ComAtprotoSyncGetRepoStatus.mainSchema, {
    auth: noAuth,
    async handle({ params }) {
      const account = await accounts.getAny(params.did as Did)
      if (!account || account.status === 'pending') {
        throw new XrpcError(400, 'RepoNotFound', `Could not find repo: ${params.did}`)
      }
      const { did, status, generation } = account
      if (status !== 'active') return { did, active: false, status }
      return { did, active: true, rev: files.open(did, generation).head()?.rev }
    },
  })
