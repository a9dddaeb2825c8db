import { ComAtprotoSyncGetHead } from '@atcute/atproto'
import { cidText } from '#protocol/data'
import { query, XrpcError } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { requireReadable } from './open-repo.ts'

/** The CID of the newest commit; deprecated for getLatestCommit. Errors: HeadNotFound. */
export const getHead = ({
  accounts,
  callers,
  files,
}: Pick<Pds, 'accounts' | 'callers' | 'files'>) =>
  query(ComAtprotoSyncGetHead.mainSchema, {
    auth: callers.reader(),
    async handle({ params, caller }) {
      const account = await accounts.require(params.did)
      requireReadable(account, caller)
      const head = files.open(account.did, account.generation).head()
      if (!head) throw new XrpcError(400, 'HeadNotFound', `Could not find root for ${params.did}`)
      return { root: cidText(head.commit) }
    },
  })
