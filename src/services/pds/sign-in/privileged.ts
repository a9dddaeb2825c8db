import { XrpcError } from '#protocol/xrpc'
import { type AccountCaller, rankOf } from './callers.ts'

const PRIVILEGED = /^(chat\.bsky\.|com\.atproto\.server\.createAccount$)/i

/**
 * Methods that app passwords need an extra permission for: private messages, and moving away.
 * However the name is spelled: the case of its letters tells no methods apart.
 */
export const isPrivileged = (nsid: string): boolean => PRIVILEGED.test(nsid)

/** Throws InvalidToken for an app password without that permission. */
export function requirePrivileged(caller: Pick<AccountCaller, 'scope'>, nsid: string): void {
  if (rankOf(caller) > 0) return
  throw new XrpcError(400, 'InvalidToken', `This sign-in is not enough for ${nsid}`)
}
