import { ComAtprotoServerConfirmEmail } from '@atcute/atproto'
import { procedure, XrpcError } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/** Confirms the account's address with the mailed code. Errors: InvalidEmail, InvalidToken, ExpiredToken. */
export const confirmEmail = ({
  accounts,
  callers,
  codes,
  now,
}: Pick<Pds, 'accounts' | 'callers' | 'codes' | 'now'>) =>
  procedure(ComAtprotoServerConfirmEmail.mainSchema, {
    auth: callers.account({
      deactivated: true,
      app: (permissions) => permissions.requireAccount('email', 'manage'),
    }),
    async handle({ input, caller: { account } }) {
      const { did, email } = account
      if (email === undefined || input.email.toLowerCase() !== email) {
        throw new XrpcError(400, 'InvalidEmail', 'The account has another email address')
      }
      await codes.use(did, 'confirm-email', input.token)
      await accounts.setEmail(did, email, now())
    },
  })
