import { getVaultPrivate as schema } from '#protocol/account'
import { datetimeMs } from '#protocol/syntax'
import { query, XrpcError } from '#protocol/xrpc'
import { Damaged } from '../kept/index.ts'
import type { Vault } from '../parts.ts'
import { requireKept } from './not-kept.ts'

/** What was known of an account beside its repository, at a time. */
export const getPrivate = ({
  accounts,
  callers,
  damaged,
  privateStates,
}: Pick<Vault, 'accounts' | 'callers' | 'damaged' | 'privateStates'>) =>
  query(schema, {
    auth: callers.either,
    async handle({ params: { did, at }, caller }) {
      const account = await requireKept(accounts, caller, did)
      const timeMs = at === undefined ? Number.MAX_SAFE_INTEGER : datetimeMs(at)
      const sealer = await accounts.sealer(account)
      const state = await privateStates.at(account, sealer, timeMs).catch((error: unknown) => {
        if (!(error instanceof Damaged)) throw error
        damaged(account, error)
        throw new XrpcError(500, 'Damaged', 'What was kept is damaged', { cause: error })
      })
      if (state) return state
      throw new XrpcError(400, 'InstantNotKept', 'No private state so old is kept of this account')
    },
  })
