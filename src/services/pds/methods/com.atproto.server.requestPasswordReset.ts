import { ComAtprotoServerRequestPasswordReset } from '@atcute/atproto'
import { noAuth, procedure, XrpcError } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { codeRates, resetRates } from '../rates.ts'
import { mailCode } from './mail-code.ts'

type Parts = Pick<Pds, 'accounts' | 'codes' | 'mail'>

/**
 * Mails a code that allows a new password. Nothing in the answer tells whether the address is
 * known: also RateLimitExceeded, above 5 an hour for one address, is the same for all.
 */
export const requestPasswordReset = (pds: Parts) =>
  procedure(ComAtprotoServerRequestPasswordReset.mainSchema, {
    auth: noAuth,
    limits: { bodyBytes: 10_000, rates: [...codeRates, ...resetRates] },
    async handle({ input, request }) {
      const account = await pds.accounts.byEmail(input.email.trim())
      if (account) await mailCode(pds, account, 'reset-password', request).catch(ignoreLimit)
    },
  })

/** The limits of an account and of its letters would tell that it exists. */
function ignoreLimit(error: unknown): void {
  if (!(error instanceof XrpcError) || error.status !== 429) throw error
}
