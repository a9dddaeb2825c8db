import { XrpcError } from '#protocol/xrpc'
import type { Account } from '../accounts/index.ts'
import type { AccountCaller } from '../sign-in/index.ts'

/** The caller's account, when `repo` (a DID or handle) names it. Throws 403 otherwise. */
export function requireOwn(caller: AccountCaller, repo: string): Account {
  const { account } = caller
  if (repo === account.did || repo.toLowerCase() === account.handle) return account
  throw new XrpcError(403, 'AuthorizationError', `Not your repository: ${repo}`)
}
