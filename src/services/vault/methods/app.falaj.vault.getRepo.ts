import { getVaultRepo as schema } from '#protocol/account'
import { datetimeMs } from '#protocol/syntax'
import { query, XrpcError } from '#protocol/xrpc'
import type { Vault } from '../parts.ts'
import { repoCar } from '../restoring/index.ts'
import { begun } from './begun.ts'
import { requireKept } from './not-kept.ts'

/** The repository as it was at a time. */
export const getRepo = ({
  accounts,
  callers,
  damaged,
  instants,
  packs,
}: Pick<Vault, 'accounts' | 'callers' | 'damaged' | 'instants' | 'packs'>) =>
  query(schema, {
    auth: callers.either,
    async handle({ params: { did, at }, caller }) {
      const account = await requireKept(accounts, caller, did)
      const timeMs = at === undefined ? Number.MAX_SAFE_INTEGER : datetimeMs(at)
      const instant = await instants.at(account.aid, timeMs)
      if (instant === undefined)
        throw new XrpcError(400, 'InstantNotKept', 'Nothing so old is kept of this account')
      const reader = packs.reader(account, await accounts.sealer(account))
      const body = await begun(repoCar(reader, account, instant), (damage) =>
        damaged(account, damage),
      )
      return {
        encoding: 'application/vnd.ipld.car',
        body,
        headers: { 'cache-control': 'no-store' },
      }
    },
  })
