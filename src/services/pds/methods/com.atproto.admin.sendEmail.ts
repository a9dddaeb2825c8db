import { ComAtprotoAdminSendEmail } from '@atcute/atproto'
import { invalidRequest, procedure } from '#protocol/xrpc'
import { languagesFor } from '../mail/index.ts'
import type { Pds } from '../parts.ts'

/**
 * A letter in the operator's own words, plain or in simple HTML. `sent` says whether it leaves the
 * host; without a mail server it stays in the outbox. Errors: RepoNotFound, InvalidRequest.
 */
export const sendEmail = ({
  accounts,
  callers,
  mail,
}: Pick<Pds, 'accounts' | 'callers' | 'mail'>) =>
  procedure(ComAtprotoAdminSendEmail.mainSchema, {
    auth: callers.operator('care'),
    async handle({ input: { recipientDid, subject, content }, request }) {
      const { did, handle, email } = await accounts.require(recipientDid)
      if (!email) throw invalidRequest('account does not have an email address')
      const languages = languagesFor(request.headers['accept-language'])
      const letter = { did, handle, recipient: email, subject, content, languages }
      return { sent: await mail.sendMessage(letter) }
    },
  })
