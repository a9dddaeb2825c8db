import { ComAtprotoSyncGetRepoStatus } from '@atcute/atproto'
import { noAuth, query, XrpcError } from '#protocol/xrpc'
import type { Relay } from '../parts.ts'

/** Standing and rev of one repository, as last seen. Errors: RepoNotFound. */
export const getRepoStatus = ({ states }: Pick<Relay, 'states'>) =>
  query(ComAtprotoSyncGetRepoStatus.mainSchema, {
    auth: noAuth,
    async handle({ params: { did } }) {
      const state = await states.get(did)
      if (!state) throw new XrpcError(400, 'RepoNotFound', `Could not find repo: ${did}`)
      const active = state.status === undefined
      return { did, active, status: state.status, rev: active ? state.rev : undefined }
    },
  })
