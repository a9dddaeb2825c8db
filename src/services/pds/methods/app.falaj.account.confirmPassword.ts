import { confirmPassword as schema } from '#protocol/account'
import { authRequired, procedure, XrpcError } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { passwordRates } from '../rates.ts'

/** A one-time code for the password given again, where this host sends no mail. */
export const confirmPassword = ({
  callers,
  codes,
  mail,
  passwords,
}: Pick<Pds, 'callers' | 'codes' | 'mail' | 'passwords'>) =>
  procedure(schema, {
    auth: callers.account({ deactivated: true, least: 'full' }),
    limits: { bodyBytes: 4_096, rates: passwordRates },
    async handle({ input, caller: { account } }) {
      if (mail.leavesHost) {
        throw new XrpcError(400, 'MailRequired', 'This host sends the code by mail')
      }
      const proof = await passwords.check(account, input.password)
      if (!proof || proof.appPassword) throw authRequired('Invalid password')
      // No mailbox is filled: only guessing has to stay slow.
      const { code } = await codes.create(account.did, input.purpose, { perHour: 50 })
      return { code }
    },
  })
