import { removeRecoveryKey as schema } from '#protocol/account'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { identityRates } from '../rates.ts'

/** Takes an owner's key, or the organisation's, out of their identity, for a one-time code. */
export const removeRecoveryKey = ({
  callers,
  codes,
  recoveryKeys,
}: Pick<Pds, 'callers' | 'codes' | 'recoveryKeys'>) =>
  procedure(schema, {
    auth: callers.account({ deactivated: true, least: 'full' }),
    limits: { bodyBytes: 4_096, rates: identityRates },
    async handle({ input: { key, token }, caller: { did } }) {
      await codes.use(did, 'plc-operation', token)
      await recoveryKeys.remove(did, key)
      return recoveryKeys.health(did)
    },
  })
