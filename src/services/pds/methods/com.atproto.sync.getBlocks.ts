import { ComAtprotoSyncGetBlocks } from '@atcute/atproto'
import { parseCid } from '#protocol/data'
import { invalidRequest, query } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { requireReadable } from './open-repo.ts'

const CIDS_MAX = 500

/** Blocks of a repository by CID, as a CAR without roots. Errors: BlockNotFound. */
export const getBlocks = ({
  accounts,
  callers,
  exports,
}: Pick<Pds, 'accounts' | 'callers' | 'exports'>) =>
  query(ComAtprotoSyncGetBlocks.mainSchema, {
    auth: callers.reader(),
    async handle({ params, caller }) {
      const account = await accounts.require(params.did)
      requireReadable(account, caller)
      if (params.cids.length > CIDS_MAX) throw invalidRequest(`At most ${CIDS_MAX} cids`)
      const body = await exports.blocks(account, params.cids.map(parseCid))
      return { encoding: 'application/vnd.ipld.car', body }
    },
  })
