import { ComAtprotoSyncListRepos } from '@atcute/atproto'
import { cidText } from '#protocol/data'
import { noAuth, query } from '#protocol/xrpc'
import type { Relay } from '../parts.ts'

/** Every repository seen, in DID order; the cursor is a DID. */
export const listRepos = ({ states }: Pick<Relay, 'states'>) =>
  query(ComAtprotoSyncListRepos.mainSchema, {
    auth: noAuth,
    async handle({ params: { limit, cursor } }) {
      const page = await states.list({ limit, cursor })
      return {
        repos: page.map(({ did, commit, rev, status }) => ({
          did,
          head: cidText(commit!),
          rev: rev!,
          active: status === undefined,
          status,
        })),
        cursor: page.length === limit ? page.at(-1)?.did : undefined,
      }
    },
  })
