import { ComAtprotoRepoGetRecord } from '@atcute/atproto'
import { CID_LENGTH, cidText, JsonBytes } from '#protocol/data'
import { formatAtUri } from '#protocol/syntax'
import { noAuth, query, rawJson, XrpcError } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { withRepo } from './open-repo.ts'

/** What stands around a record in the answer. */
const AROUND_BYTES = 400

/** One record as it is now, written from its block. Errors: RecordNotFound, RepoNotFound. */
export const getRecord = (pds: Pick<Pds, 'accounts' | 'files' | 'takedowns'>) =>
  query(ComAtprotoRepoGetRecord.mainSchema, {
    auth: noAuth,
    handle: ({ params }) =>
      withRepo(pds, params.repo, ({ account, file }) => {
        const { collection, rkey, cid } = params
        const block = file.block(`${collection}/${rkey}`)
        const uri = formatAtUri(account.did, collection, rkey)
        const isWanted = block && (!cid || cid === cidText(block.subarray(0, CID_LENGTH)))
        if (!isWanted || pds.takedowns.has(uri)) {
          throw new XrpcError(400, 'RecordNotFound', `Could not locate record: ${uri}`)
        }
        const out = new JsonBytes(AROUND_BYTES + 2 * block.length)
        out.raw('{"uri":').text(uri).raw(',"cid":').cid(block)
        out.raw(',"value":').cbor(block, CID_LENGTH).raw('}')
        return rawJson(out.bytes())
      }),
  })
