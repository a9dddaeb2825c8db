import { ComAtprotoServerUpdateEmail } from '@atcute/atproto'
import { procedure, XrpcError } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { requireEmail } from './email.ts'

/**
 * Changes the account's address; a confirmed one only with the code that it was sent. The new one
 * is not confirmed. Errors: TokenRequired, InvalidToken, ExpiredToken, InvalidRequest.
 */
export const updateEmail = ({
  accounts,
  callers,
  codes,
}: Pick<Pds, 'accounts' | 'callers' | 'codes'>) =>
  procedure(ComAtprotoServerUpdateEmail.mainSchema, {
    auth: callers.account({
      deactivated: true,
      least: 'full',
      app: (permissions) => permissions.requireAccount('email', 'manage'),
    }),
    async handle({ input, caller: { account } }) {
      const email = requireEmail(input.email)
      if (account.emailConfirmedMs !== undefined) {
        if (!input.token) throw new XrpcError(400, 'TokenRequired', 'Confirmation token required')
        await codes.use(account.did, 'update-email', input.token)
      }
      await accounts.setEmail(account.did, email, undefined)
    },
  })
