import { ComAtprotoSyncListRepos } from '@atcute/atproto'
import { cidText } from '#protocol/data'
import { isDid, type Tid } from '#protocol/syntax'
import { invalidRequest, noAuth, query } from '#protocol/xrpc'
import type { ListedAccount } from '../accounts/index.ts'
import type { Pds } from '../parts.ts'

type Parts = Pick<Pds, 'accounts' | 'checkpoints' | 'files'>

/**
 * Hosted repositories in DID order; the cursor is a DID. Errors: InvalidRequest for another. Heads come from the directory, as of the
 * last checkpoint, and from the files of those accounts alone that have changed since.
 */
export const listRepos = (pds: Parts) =>
  query(ComAtprotoSyncListRepos.mainSchema, {
    auth: noAuth,
    async handle({ params: { limit, cursor } }) {
      if (cursor !== undefined && !isDid(cursor)) throw invalidRequest('Malformed cursor')
      const listed = await pds.accounts.list({ limit, cursor })
      const repos = listed.flatMap((account) => {
        const head = headOf(pds, account)
        if (!head) return []
        const { did, status } = account
        const active = status === 'active'
        const repo = { did, ...head, active }
        return [active ? repo : { ...repo, status }]
      })
      return { repos, cursor: listed.length === limit ? listed.at(-1)?.did : undefined }
    },
  })

function headOf(
  { checkpoints, files }: Parts,
  { did, generation, rev, head }: ListedAccount,
): { head: string; rev: Tid } | undefined {
  if (rev && head && !checkpoints.isDirty(did)) return { head: cidText(head), rev }
  const newest = files.open(did, generation).head()
  return newest && { head: cidText(newest.commit), rev: newest.rev }
}
