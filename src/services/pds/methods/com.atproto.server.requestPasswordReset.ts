import { ComAtprotoServerRequestPasswordReset } from '@atcute/atproto'
import { noAuth, procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { codeRates } from '../rates.ts'
import { mailCode } from './mail-code.ts'

type Parts = Pick<Pds, 'accounts' | 'codes' | 'mail'>

/** Mails a code that allows a new password. The answer does not tell whether the address is known. */
export const requestPasswordReset = (pds: Parts) =>
  procedure(ComAtprotoServerRequestPasswordReset.mainSchema, {
    auth: noAuth,
    limits: { bodyBytes: 10_000, rates: codeRates },
    async handle({ input }) {
      const account = await pds.accounts.byEmail(input.email.trim())
      if (account) await mailCode(pds, account, 'reset-password')
    },
  })
