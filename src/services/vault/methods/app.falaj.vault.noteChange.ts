import { noteVaultChange as schema } from '#protocol/account'
import { procedure } from '#protocol/xrpc'
import { askAgain, PRIVATE_JOB } from '../ask.ts'
import type { Vault } from '../parts.ts'
import { requireKept } from './not-kept.ts'

/** Asks an account's host for what is not in its repository, because the host says that it changed. */
export const noteChange = ({
  accounts,
  asked,
  callers,
  outside,
  sql,
}: Pick<Vault, 'accounts' | 'asked' | 'callers' | 'outside' | 'sql'>) =>
  procedure(schema, {
    auth: callers.owner,
    async handle({ caller: did }) {
      const account = await requireKept(accounts, { did }, did)
      await askAgain(sql, PRIVATE_JOB, [account.did], outside.now())
      asked()
    },
  })
