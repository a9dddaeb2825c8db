import { ComAtprotoSyncGetLatestCommit } from '@atcute/atproto'
import { cidText } from '#protocol/data'
import { query, XrpcError } from '#protocol/xrpc'
import type { Account } from '../accounts/index.ts'
import type { Pds } from '../parts.ts'
import { requireReadable } from './open-repo.ts'

/** CID and rev of the newest applied commit. */
export const getLatestCommit = ({
  accounts,
  callers,
  files,
}: Pick<Pds, 'accounts' | 'callers' | 'files'>) =>
  query(ComAtprotoSyncGetLatestCommit.mainSchema, {
    auth: callers.reader(),
    handle({ params, caller }) {
      const read = (account: Account) => {
        requireReadable(account, caller)
        const head = files.open(account.did, account.generation).head()
        if (!head) throw new XrpcError(400, 'RepoNotFound', `Could not find root for ${params.did}`)
        return { cid: cidText(head.commit), rev: head.rev }
      }
      const known = accounts.known(params.did)
      return known ? read(known) : accounts.require(params.did).then(read)
    },
  })
