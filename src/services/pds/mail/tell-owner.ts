import type { HttpRequest } from '#protocol/xrpc'
import type { Account } from '../accounts/index.ts'
import { coarseAgent } from '../devices/index.ts'
import { networkOf } from '../sign-in/index.ts'
import { languagesFor } from './languages.ts'
import type { Mail } from './mail.ts'
import type { NoticePurpose } from './words.ts'

/** Writes to an account's owner that something happened, and from where; at another address if told. */
export async function tellOwner(
  { mail }: { mail: Mail },
  { did, handle, email }: Account,
  purpose: NoticePurpose,
  request: Pick<HttpRequest, 'headers' | 'ip'>,
  recipient = email,
): Promise<void> {
  if (recipient === undefined) return
  const facts = [coarseAgent(request.headers['user-agent']), networkOf(request.ip)].filter(Boolean)
  const languages = languagesFor(request.headers['accept-language'])
  await mail.sendNotice({ did, handle, recipient, purpose, facts, languages })
}
