import { ComAtprotoSyncGetLatestCommit } from '@atcute/atproto'
import { cidText } from '#protocol/data'
import { noAuth, query, XrpcError } from '#protocol/xrpc'
import type { Relay } from '../parts.ts'

/** The newest commit that passed through. Errors: RepoNotFound. */
export const getLatestCommit = ({ states }: Pick<Relay, 'states'>) =>
  query(ComAtprotoSyncGetLatestCommit.mainSchema, {
    auth: noAuth,
    async handle({ params: { did } }) {
      const state = await states.get(did)
      if (!state?.rev || !state.commit) {
        throw new XrpcError(400, 'RepoNotFound', `Could not find repo: ${did}`)
      }
      return { cid: cidText(state.commit), rev: state.rev }
    },
  })
