import { type HttpRequest, invalidRequest } from '#protocol/xrpc'
import type { Account } from '../accounts/index.ts'
import { languagesFor } from '../mail/index.ts'
import type { Pds } from '../parts.ts'
import type { CodePurpose } from '../sign-in/index.ts'

/**
 * Mails the owner a one-time code, in the language of their request first. Throws InvalidRequest
 * without an address; RateLimitExceeded above 5 an hour for a purpose, or 10 to one address.
 */
export async function mailCode(
  { codes, mail }: Pick<Pds, 'codes' | 'mail'>,
  { did, handle, email }: Account,
  purpose: CodePurpose,
  request: HttpRequest,
): Promise<void> {
  if (!email) throw invalidRequest('The account has no email address')
  await mail.requireRoomFor(email)
  const { code, expiresMs } = await codes.create(did, purpose)
  const languages = languagesFor(request.headers['accept-language'])
  await mail.sendCode({ did, handle, recipient: email, purpose, code, expiresMs, languages })
}
