import type { Did, Handle } from '#protocol/syntax'
import type { Account, Accounts } from '../accounts/index.ts'

/** The account that somebody means who signs in: by address, DID or handle. */
export function findAccount(
  accounts: Pick<Accounts, 'byEmail' | 'byHandle' | 'get'>,
  identifier: string,
): Promise<Account | undefined> {
  if (identifier.includes('@') && !identifier.startsWith('@')) return accounts.byEmail(identifier)
  if (identifier.startsWith('did:')) return accounts.get(identifier as Did)
  return accounts.byHandle(identifier.replace(/^@/, '').toLowerCase() as Handle)
}
