import { getVaultAccount as schema } from '#protocol/account'
import { query } from '#protocol/xrpc'
import type { Vault } from '../parts.ts'
import { requireKept } from './not-kept.ts'

/** How an account is kept. */
export const getAccount = ({
  accounts,
  callers,
  views,
}: Pick<Vault, 'accounts' | 'callers' | 'views'>) =>
  query(schema, {
    auth: callers.either,
    handle: async ({ params, caller }) =>
      views.account(await requireKept(accounts, caller, params.did)),
  })
