import { ComAtprotoServerUpdateEmail } from '@atcute/atproto'
import { procedure, XrpcError } from '#protocol/xrpc'
import type { Account } from '../accounts/index.ts'
import { tellOwner } from '../mail/index.ts'
import type { Pds } from '../parts.ts'
import { requireEmail } from './email.ts'

type Parts = Pick<Pds, 'accounts' | 'callers' | 'codes' | 'factors' | 'mail'>

/**
 * Changes the account's address; a confirmed one only with the code that it was sent. The new one
 * is not confirmed. With `emailAuthFactor` also whether sign-in takes a mailed code: on needs a
 * confirmed address, off its code. Errors: TokenRequired, InvalidToken, ExpiredToken, InvalidRequest.
 */
export const updateEmail = (pds: Parts) =>
  procedure(ComAtprotoServerUpdateEmail.mainSchema, {
    auth: pds.callers.account({
      deactivated: true,
      least: 'full',
      app: (permissions) => permissions.requireAccount('email', 'manage'),
    }),
    async handle({ input, caller: { account }, request }) {
      const { did, email: before, emailConfirmedMs } = account
      const email = requireEmail(input.email)
      const { emailAuthFactor } = input
      // What makes signing in harder needs no code.
      if (email === before && emailAuthFactor === true) {
        await pds.factors.addEmail(account)
        return
      }
      if (emailConfirmedMs !== undefined) {
        if (!input.token) throw new XrpcError(400, 'TokenRequired', 'Confirmation token required')
        await pds.codes.use(did, 'update-email', input.token)
      }
      if (emailAuthFactor === false || email !== before) await removeMailedCodes(pds, account)
      await pds.accounts.setEmail(did, email, email === before ? emailConfirmedMs : undefined)
      if (email !== before) await tellOwner(pds, account, 'notice-email', request, before)
    },
  })

/** Codes go to an address that was confirmed, or nowhere. */
async function removeMailedCodes({ factors }: Pick<Pds, 'factors'>, { did }: Account) {
  const mailed = (await factors.list(did)).find(({ kind }) => kind === 'email')
  if (mailed) await factors.remove(did, mailed.id)
}
