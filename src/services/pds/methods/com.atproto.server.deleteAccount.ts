import { ComAtprotoServerDeleteAccount } from '@atcute/atproto'
import { authRequired, noAuth, procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { codeRates } from '../rates.ts'

/**
 * Deletes an account for good: its password and a mailed code together allow it, whoever brings
 * them. Errors: ExpiredToken, InvalidToken.
 */
export const deleteAccount = ({
  accounts,
  codes,
  passwords,
  standing,
}: Pick<Pds, 'accounts' | 'codes' | 'passwords' | 'standing'>) =>
  procedure(ComAtprotoServerDeleteAccount.mainSchema, {
    auth: noAuth,
    limits: { bodyBytes: 10_000, rates: codeRates },
    async handle({ input: { did, password, token } }) {
      const account = await accounts.get(did)
      const proof = await passwords.check(account, password)
      if (!account || !proof || proof.appPassword) {
        throw authRequired('Invalid did or password')
      }
      await codes.use(did, 'delete-account', token)
      await standing.delete(did)
    },
  })
