import { ComAtprotoRepoGetRecord } from '@atcute/atproto'
import { cidText, decodeCbor } from '#protocol/data'
import { formatAtUri } from '#protocol/syntax'
import { noAuth, query, XrpcError } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { openRepo } from './open-repo.ts'

/** One record as it is now. Errors: RecordNotFound, RepoNotFound. */
export const getRecord = (pds: Pick<Pds, 'accounts' | 'files' | 'takedowns'>) =>
  query(ComAtprotoRepoGetRecord.mainSchema, {
    auth: noAuth,
    async handle({ params }) {
      const { account, file } = await openRepo(pds, params.repo)
      const record = file.record(`${params.collection}/${params.rkey}`)
      const uri = formatAtUri(account.did, params.collection, params.rkey)
      if (!record || pds.takedowns.has(uri))
        throw new XrpcError(400, 'RecordNotFound', `Could not locate record: ${uri}`)
      const cid = cidText(record.cid)
      if (params.cid && params.cid !== cid) {
        throw new XrpcError(400, 'RecordNotFound', `Could not locate record: ${uri}`)
      }
      return { uri, cid, value: decodeCbor(record.value) as Record<string, unknown> }
    },
  })
