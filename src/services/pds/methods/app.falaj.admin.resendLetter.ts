import { resendLetter as schema } from '#protocol/account'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { letterView } from './letter-view.ts'

/**
 * A letter goes to the mail server again. By the operator. Errors: LetterNotFound, LetterBlanked,
 * MailNotConfigured.
 */
export const resendLetter = ({ callers, mail, now }: Pick<Pds, 'callers' | 'mail' | 'now'>) =>
  procedure(schema, {
    auth: callers.operator('care'),
    limits: { bodyBytes: 1_000 },
    handle: async ({ input: { id } }) => ({ letter: letterView(await mail.resend(id), now()) }),
  })
