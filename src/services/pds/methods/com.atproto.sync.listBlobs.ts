import { ComAtprotoSyncListBlobs } from '@atcute/atproto'
import { cidText } from '#protocol/data'
import { query } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { cidCursor, requireReadable } from './open-repo.ts'

/** CIDs of the blobs that an account's records refer to. */
export const listBlobs = ({
  accounts,
  callers,
  files,
}: Pick<Pds, 'accounts' | 'callers' | 'files'>) =>
  query(ComAtprotoSyncListBlobs.mainSchema, {
    auth: callers.reader(),
    async handle({ params, caller }) {
      const account = await accounts.require(params.did)
      requireReadable(account, caller)
      const { limit, since } = params
      const cursor = cidCursor(params.cursor)
      const file = files.open(account.did, account.generation)
      const cids = file.blobs.list({ limit, cursor, since }).map(cidText)
      return { cids, cursor: cids.length === limit ? cids.at(-1) : undefined }
    },
  })
