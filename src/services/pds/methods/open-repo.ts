import { type CidBytes, parseCid } from '#protocol/data'
import { invalidRequest, XrpcError } from '#protocol/xrpc'
import type { AccountFile } from '../account-files/index.ts'
import type { Account } from '../accounts/index.ts'
import type { Pds } from '../parts.ts'
import type { Reader } from '../sign-in/index.ts'

/** An account and its open file. */
export interface OpenRepo {
  account: Account
  file: AccountFile
}

/**
 * Runs `work` on an account by DID or handle and its open file, for public reads: at once when the
 * account is in memory, as a turn of the event loop costs as much as the read.
 * Throws RepoNotFound, RepoDeactivated, RepoSuspended, RepoTakendown.
 */
export function withRepo<T>(
  { accounts, files }: Pick<Pds, 'accounts' | 'files'>,
  repo: string,
  work: (open: OpenRepo) => T | Promise<T>,
): T | Promise<T> {
  const open = (account: Account) => {
    refuseInactive(account)
    return work({ account, file: files.open(account.did, account.generation) })
  }
  const known = accounts.known(repo)
  return known ? open(known) : accounts.require(repo).then(open)
}

export function refuseInactive({ status, did }: Account): void {
  if (status === 'deactivated') {
    throw new XrpcError(400, 'RepoDeactivated', `Repo has been deactivated: ${did}`)
  }
  if (status === 'suspended') {
    throw new XrpcError(400, 'RepoSuspended', `Repo has been suspended: ${did}`)
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

/** A cursor that is the CID of the last one told. Throws InvalidRequest. */
export function cidCursor(text: string | undefined): CidBytes | undefined {
  if (!text) return undefined
  try {
    return parseCid(text)
  } catch {
    throw invalidRequest('Malformed cursor')
  }
}
