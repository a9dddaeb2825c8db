import { invalidRequest } from '#protocol/xrpc'
import type { Account } from '../accounts/index.ts'
import type { Pds } from '../parts.ts'
import type { CodePurpose } from '../sign-in/index.ts'

/** Mails the owner a one-time code. Throws InvalidRequest without an address, RateLimitExceeded. */
export async function mailCode(
  { codes, mail }: Pick<Pds, 'codes' | 'mail'>,
  { did, email }: Account,
  purpose: CodePurpose,
): Promise<void> {
  if (!email) throw invalidRequest('The account has no email address')
  const code = await codes.create(did, purpose)
  await mail.send(did, email, purpose, { code })
}
