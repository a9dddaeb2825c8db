import { ComAtprotoSyncGetLatestCommit } from '@atcute/atproto'
import { cidText } from '#protocol/data'
import { noAuth, query, XrpcError } from '#protocol/xrpc'
import type { Relay } from '../parts.ts'

/** Errors by why an account is not shown; others are RepoDeactivated. */
const ERRORS: ReadonlyMap<string, string> = new Map([
  ['takendown', 'RepoTakendown'],
  ['suspended', 'RepoSuspended'],
  ['deleted', 'RepoNotFound'],
])

/** The newest commit that passed through. Errors: RepoNotFound, RepoTakendown, RepoSuspended, RepoDeactivated. */
export const getLatestCommit = ({ states }: Pick<Relay, 'states'>) =>
  query(ComAtprotoSyncGetLatestCommit.mainSchema, {
    auth: noAuth,
    async handle({ params: { did } }) {
      const state = await states.get(did)
      if (!state?.rev || !state.commit) {
        throw new XrpcError(400, 'RepoNotFound', `Could not find repo: ${did}`)
      }
      if (state.status !== undefined) {
        const error = ERRORS.get(state.status) ?? 'RepoDeactivated'
        throw new XrpcError(400, error, `Repo is ${state.status}: ${did}`)
      }
      return { cid: cidText(state.commit), rev: state.rev }
    },
  })
