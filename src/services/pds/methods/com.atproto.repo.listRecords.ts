import { ComAtprotoRepoListRecords } from '@atcute/atproto'
import { CID_LENGTH, JsonBytes } from '#protocol/data'
import { parseNsid } from '#protocol/syntax'
import { noAuth, query, rawJson } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { withRepo } from './open-repo.ts'

/** What stands around each record in the answer. */
const AROUND_BYTES = 200

/** Records of one collection by rkey, newest keys first unless `reverse`; the cursor is an rkey. */
export const listRecords = (pds: Pick<Pds, 'accounts' | 'files' | 'takedowns'>) =>
  query(ComAtprotoRepoListRecords.mainSchema, {
    auth: noAuth,
    handle: ({ params }) =>
      withRepo(pds, params.repo, ({ account, file }) => {
        const { limit, cursor, reverse } = params
        const collection = parseNsid(params.collection)
        const { blocks, sizes, rkeys } = file.list(collection, { limit, cursor, reverse })
        const prefix = `at://${account.did}/${collection}/`
        const out = new JsonBytes(2 * blocks.length + AROUND_BYTES * (rkeys.length + 1))
        out.raw('{"records":[')
        let isFirst = true
        let at = 0
        for (const [index, rkey] of rkeys.entries()) {
          const start = at
          at += sizes[index]!
          const uri = prefix + rkey
          if (pds.takedowns.has(uri)) continue
          out.raw(isFirst ? '{"uri":' : ',{"uri":').text(uri)
          out.raw(',"cid":').cid(blocks, start)
          out
            .raw(',"value":')
            .cbor(blocks, start + CID_LENGTH, at)
            .raw('}')
          isFirst = false
        }
        out.raw(']')
        const last = rkeys.at(-1)
        if (last !== undefined) out.raw(',"cursor":').text(last)
        return rawJson(out.raw('}').bytes())
      }),
  })
