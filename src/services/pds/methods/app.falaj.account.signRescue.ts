import { signRescue as schema } from '#protocol/account'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { identityRates } from '../rates.ts'

/** A signed receipt of an account that came back from a copy; its page shows it. */
export const signRescue = ({ callers, rescues }: Pick<Pds, 'callers' | 'rescues'>) =>
  procedure(schema, {
    auth: callers.account({ deactivated: true, least: 'full' }),
    limits: { rates: identityRates },
    async handle({ input, caller: { account } }) {
      return { receipt: await rescues.sign(account, input) }
    },
  })
