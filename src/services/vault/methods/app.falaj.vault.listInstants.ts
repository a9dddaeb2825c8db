import { listVaultInstants as schema } from '#protocol/account'
import { cidText } from '#protocol/data'
import { formatDatetime } from '#protocol/syntax'
import { query } from '#protocol/xrpc'
import type { Vault } from '../parts.ts'
import { requireKept } from './not-kept.ts'

/** States of an account that can be restored, newest first. */
export const listInstants = ({
  accounts,
  callers,
  instants,
}: Pick<Vault, 'accounts' | 'callers' | 'instants'>) =>
  query(schema, {
    auth: callers.either,
    async handle({ params: { did, limit, cursor }, caller }) {
      const { aid } = await requireKept(accounts, caller, did)
      const page = await instants.list(aid, limit, cursor)
      return {
        instants: page.map(({ rev, timeMs, cid, data }) => ({
          rev,
          time: formatDatetime(timeMs),
          cid: cidText(cid),
          data: cidText(data),
        })),
        cursor: page.length === limit ? page.at(-1)!.rev : undefined,
      }
    },
  })
