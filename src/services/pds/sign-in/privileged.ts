import { XrpcError } from '#protocol/xrpc'
import { type AccountCaller, rankOf } from './callers.ts'

/** Methods that app passwords need an extra permission for: private messages, and moving away. */
export const isPrivileged = (nsid: string): boolean =>
  nsid.startsWith('chat.bsky.') || nsid === 'com.atproto.server.createAccount'

/** Throws InvalidToken (403) for an app password without that permission. */
export function requirePrivileged(caller: Pick<AccountCaller, 'scope'>, nsid: string): void {
  if (rankOf(caller) > 0) return
  throw new XrpcError(403, 'InvalidToken', `This sign-in is not enough for ${nsid}`)
}
