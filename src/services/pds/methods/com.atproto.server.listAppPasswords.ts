import { ComAtprotoServerListAppPasswords } from '@atcute/atproto'
import { query } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/** Names of the account's app passwords. */
export const listAppPasswords = ({ callers, passwords }: Pick<Pds, 'callers' | 'passwords'>) =>
  query(ComAtprotoServerListAppPasswords.mainSchema, {
    auth: callers.account({ least: 'full' }),
    handle: async ({ caller }) => ({ passwords: await passwords.listAppPasswords(caller.did) }),
  })
