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

type OperatorPurpose = Extract<NoticePurpose, `notice-operator-${string}`>

/**
 * Writes to an account's owner what the host's operators did; at the address of before, where that
 * changed. Nothing of the operator is in it, and their language says nothing of the owner's.
 */
export async function tellOwnerOfOperator(
  { mail }: { mail: Mail },
  { did, handle, email }: Account,
  purpose: OperatorPurpose,
): Promise<void> {
  if (email === undefined) return
  const languages = languagesFor(undefined)
  await mail.sendNotice({ did, handle, recipient: email, purpose, facts: [], languages })
}
