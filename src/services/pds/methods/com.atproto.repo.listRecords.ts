import { ComAtprotoRepoListRecords } from '@atcute/atproto'
import { cidText, decodeCbor } from '#protocol/data'
import { type AtUri, parseNsid } from '#protocol/syntax'
import { noAuth, query } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { openRepo } from './open-repo.ts'

/** Records of one collection by rkey, newest keys first unless `reverse`; the cursor is an rkey. */
export const listRecords = (pds: Pick<Pds, 'accounts' | 'files' | 'takedowns'>) =>
  query(ComAtprotoRepoListRecords.mainSchema, {
    auth: noAuth,
    async handle({ params }) {
      const { account, file } = await openRepo(pds, params.repo)
      const { limit, cursor, reverse } = params
      const rows = file.list(parseNsid(params.collection), { limit, cursor, reverse })
      const isUp = ({ path }: { path: string }) => !pds.takedowns.has(`at://${account.did}/${path}`)
      const records = rows.filter(isUp).map(({ path, cid, value }) => ({
        uri: `at://${account.did}/${path}` as AtUri,
        cid: cidText(cid),
        value: decodeCbor(value) as Record<string, unknown>,
      }))
      const last = rows.at(-1)
      return { records, cursor: last?.path.slice(last.path.indexOf('/') + 1) }
    },
  })
