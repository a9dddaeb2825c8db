import { ComAtprotoRepoGetRecord } from '@atcute/atproto'
import { formatAtUri } from '#protocol/syntax'
import { noAuth, query, XrpcError } from '#protocol/xrpc'
import { DECLARATION } from '../declaration.ts'
import type { Moderation } from '../parts.ts'

/** The one record of a labeler without a repository: what it says of itself. */
export const getRecord = ({ declaration, did }: Pick<Moderation, 'declaration' | 'did'>) =>
  query(ComAtprotoRepoGetRecord.mainSchema, {
    auth: noAuth,
    handle({ params: { repo, collection, rkey, cid } }) {
      const isOurs = repo === did && collection === DECLARATION && rkey === 'self'
      if (!isOurs || (cid !== undefined && cid !== declaration.cid))
        throw new XrpcError(400, 'RecordNotFound', 'Could not locate record')
      return { uri: formatAtUri(did, DECLARATION, 'self'), ...declaration }
    },
  })
