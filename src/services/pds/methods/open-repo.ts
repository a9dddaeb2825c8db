import { XrpcError } from '#protocol/xrpc'
import type { AccountFile } from '../account-files/index.ts'
import type { Account } from '../accounts/index.ts'
import type { Pds } from '../parts.ts'
import type { Reader } from '../sign-in/index.ts'

/** An account by DID or handle and its open file, for public reads. Throws RepoNotFound, RepoDeactivated, RepoTakendown. */
export async function openRepo(
  { accounts, files }: Pick<Pds, 'accounts' | 'files'>,
  repo: string,
  options: { inactive?: boolean } = {},
): Promise<{ account: Account; file: AccountFile }> {
  const account = await accounts.require(repo)
  if (!options.inactive) refuseInactive(account)
  return { account, file: files.open(account.did, account.generation) }
}

export function refuseInactive({ status, did }: Account): void {
  if (status === 'deactivated') {
    throw new XrpcError(400, 'RepoDeactivated', `Repo has been deactivated: ${did}`)
  }
  if (status === 'takendown') {
    throw new XrpcError(400, 'RepoTakendown', `Repo has been taken down: ${did}`)
  }
}

/** The owner may read an inactive account's repository, the operator any; nobody else. */
export function requireReadable(account: Account, caller: Reader | undefined): void {
  if (caller && ('operator' in caller || caller.did === account.did)) return
  refuseInactive(account)
}
