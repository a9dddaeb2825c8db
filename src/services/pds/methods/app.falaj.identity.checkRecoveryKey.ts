import { checkRecoveryKey as schema } from '#protocol/account'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { passwordRates } from '../rates.ts'

/** Notes that an owner has shown that they hold a key: the sheet was entered again, and was right. */
export const checkRecoveryKey = ({
  callers,
  recoveryKeys,
}: Pick<Pds, 'callers' | 'recoveryKeys'>) =>
  procedure(schema, {
    auth: callers.account({ deactivated: true, least: 'full' }),
    limits: { bodyBytes: 4_096, rates: passwordRates },
    async handle({ input, caller: { did } }) {
      await recoveryKeys.check(did, input)
      return recoveryKeys.health(did)
    },
  })
