import { ComAtprotoSyncListRepos } from '@atcute/atproto'
import { cidText } from '#protocol/data'
import { noAuth, query } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/** Hosted repositories in DID order; the cursor is a DID. */
export const listRepos = ({ accounts, files }: Pick<Pds, 'accounts' | 'files'>) =>
  query(ComAtprotoSyncListRepos.mainSchema, {
    auth: noAuth,
    async handle({ params: { limit, cursor } }) {
      const listed = await accounts.list({ limit, cursor })
      const repos = listed.flatMap(({ did, generation, status }) => {
        const head = files.open(did, generation).head()
        if (!head) return []
        const active = status === 'active'
        const repo = { did, head: cidText(head.commit), rev: head.rev, active }
        return [active ? repo : { ...repo, status }]
      })
      return { repos, cursor: listed.length === limit ? listed.at(-1)?.did : undefined }
    },
  })
