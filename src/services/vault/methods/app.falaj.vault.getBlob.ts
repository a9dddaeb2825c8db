import { getVaultBlob as schema } from '#protocol/account'
import { parseCid } from '#protocol/data'
import { query, XrpcError } from '#protocol/xrpc'
import type { Vault } from '../parts.ts'
import { begun } from './begun.ts'
import { requireKept } from './not-kept.ts'

/** A blob of an account. */
export const getBlob = ({
  accounts,
  blobs,
  callers,
  damaged,
  sql,
}: Pick<Vault, 'accounts' | 'blobs' | 'callers' | 'damaged' | 'sql'>) =>
  query(schema, {
    auth: callers.either,
    async handle({ params, caller }) {
      const account = await requireKept(accounts, caller, params.did)
      const cid = parseCid(params.cid)
      const select = `select 1 from blob where aid = ? and cid = ? and state = 'kept'`
      if ((await sql.get(select, [account.aid, cid])) === undefined)
        throw new XrpcError(400, 'BlobNotFound', 'The blob is not kept')
      const body = await begun(blobs.read(account, await accounts.sealer(account), cid), (damage) =>
        damaged(account, damage),
      )
      const headers = {
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        'content-security-policy': "default-src 'none'; sandbox",
      }
      return { encoding: 'application/octet-stream', body, headers }
    },
  })
