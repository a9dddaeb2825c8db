import { unfollowAccount as schema } from '#protocol/account'
import { procedure } from '#protocol/xrpc'
import { ask, ERASE_JOB } from '../ask.ts'
import type { Vault } from '../parts.ts'
import { requireKept } from './not-kept.ts'

/** Keeps nothing more of an account, or destroys its key. */
export const unfollow = ({
  accounts,
  asked,
  callers,
  outside,
  sql,
}: Pick<Vault, 'accounts' | 'asked' | 'callers' | 'outside' | 'sql'>) =>
  procedure(schema, {
    auth: callers.either,
    async handle({ input: { did, erase }, caller }) {
      const account = await requireKept(accounts, caller, did)
      await sql.transaction(async (sql) => {
        await sql.run('update account set granted = 0 where aid = ?', [account.aid])
        if (!erase) return void (await sql.run(LEAVE, [account.aid]))
        await accounts.destroyKey(account)
        await ask(sql, ERASE_JOB, [account.did], outside.now())
      })
      asked()
      return { erased: erase }
    },
  })

/** What its host's operator has followed goes on. */
const LEAVE = `update account set state = 'left' where aid = ?
  and not exists (select 1 from host where host.url = account.host and whole = 1)`
