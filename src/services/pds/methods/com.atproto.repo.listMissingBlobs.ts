import { ComAtprotoRepoListMissingBlobs } from '@atcute/atproto'
import { cidText } from '#protocol/data'
import type { AtUri } from '#protocol/syntax'
import { query } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { anyApp } from '../sign-in/index.ts'
import { cidCursor } from './open-repo.ts'

/** Blobs that records refer to and whose bytes are not here: what a move has yet to bring. */
export const listMissingBlobs = ({ files, callers }: Pick<Pds, 'files' | 'callers'>) =>
  query(ComAtprotoRepoListMissingBlobs.mainSchema, {
    auth: callers.account({ deactivated: true, app: anyApp }),
    async handle({ params, caller: { account } }) {
      const { limit } = params
      const cursor = cidCursor(params.cursor)
      const file = files.open(account.did, account.generation)
      const missing = file.blobs.listMissing({ limit, cursor })
      const blobs = missing.map(({ cid, path }) => ({
        cid: cidText(cid),
        recordUri: `at://${account.did}/${path}` as AtUri,
      }))
      return { blobs, cursor: blobs.length === limit ? blobs.at(-1)?.cid : undefined }
    },
  })
