import { ComAtprotoSyncGetRecord } from '@atcute/atproto'
import { query } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { requireReadable } from './open-repo.ts'

/** Proof of one record, or of its absence: commit, tree nodes on the path, and the record. */
export const getRecordProof = ({
  accounts,
  callers,
  exports,
}: Pick<Pds, 'accounts' | 'callers' | 'exports'>) =>
  query(ComAtprotoSyncGetRecord.mainSchema, {
    auth: callers.reader(),
    async handle({ params, caller }) {
      const account = await accounts.require(params.did)
      requireReadable(account, caller)
      const body = await exports.proof(account, `${params.collection}/${params.rkey}`)
      return { encoding: 'application/vnd.ipld.car', body }
    },
  })
