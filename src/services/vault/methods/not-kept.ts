import { parseDid } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'
import { type Caller, requireMine } from '../auth/index.ts'
import { type Accounts, type KeptAccount, NotKept } from '../kept/index.ts'

/** The account of a call, if the caller may see it. Errors: Forbidden, NotKept. */
export async function requireKept(
  accounts: Accounts,
  caller: Caller,
  text: string,
): Promise<KeptAccount> {
  const did = parseDid(text)
  requireMine(caller, did)
  return accounts.require(did).catch((error) => {
    if (!(error instanceof NotKept)) throw error
    throw new XrpcError(400, 'NotKept', 'Nothing is kept of this account')
  })
}
