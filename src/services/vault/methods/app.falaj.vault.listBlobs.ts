import { listVaultBlobs as schema } from '#protocol/account'
import { type CidBytes, cidText, parseCid } from '#protocol/data'
import { query } from '#protocol/xrpc'
import type { Vault } from '../parts.ts'
import { requireKept } from './not-kept.ts'

/** Blobs that are kept of an account. */
export const listBlobs = ({
  accounts,
  callers,
  sql,
}: Pick<Vault, 'accounts' | 'callers' | 'sql'>) =>
  query(schema, {
    auth: callers.either,
    async handle({ params: { did, limit, cursor }, caller }) {
      const { aid } = await requireKept(accounts, caller, did)
      const after = cursor === undefined ? new Uint8Array() : parseCid(cursor)
      const rows = await sql.all<{ cid: CidBytes }>(
        `select cid from blob where aid = ? and state = 'kept' and cid > ? order by cid limit ?`,
        [aid, after, limit],
      )
      const cids = rows.map(({ cid }) => cidText(cid))
      return { cids, cursor: rows.length === limit ? cids.at(-1) : undefined }
    },
  })
