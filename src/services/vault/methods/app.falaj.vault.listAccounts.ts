import { listVaultAccounts as schema } from '#protocol/account'
import { query } from '#protocol/xrpc'
import type { Vault } from '../parts.ts'

/** Accounts that are kept, in order of DID. */
export const listAccounts = ({
  accounts,
  callers,
  views,
}: Pick<Vault, 'accounts' | 'callers' | 'views'>) =>
  query(schema, {
    auth: callers.operator,
    async handle({ params: { limit, cursor } }) {
      const page = await accounts.list(limit, cursor)
      const list = []
      for (const account of page) list.push(await views.account(account))
      return { accounts: list, cursor: page.length === limit ? page.at(-1)!.did : undefined }
    },
  })
