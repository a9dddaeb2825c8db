import { removeRecoveryKey as schema } from '#protocol/account'
import { procedure } from '#protocol/xrpc'
import { tellOwner } from '../mail/index.ts'
import type { Pds } from '../parts.ts'
import { identityRates } from '../rates.ts'

/** Takes an owner's key, or the organisation's, out of their identity, for a one-time code. */
export const removeRecoveryKey = ({
  callers,
  codes,
  mail,
  recoveryKeys,
}: Pick<Pds, 'callers' | 'codes' | 'mail' | 'recoveryKeys'>) =>
  procedure(schema, {
    auth: callers.account({ deactivated: true, least: 'full' }),
    limits: { bodyBytes: 4_096, rates: identityRates },
    async handle({ input: { key, token }, caller: { account, did }, request }) {
      await codes.use(did, 'plc-operation', token)
      await recoveryKeys.remove(did, key)
      await tellOwner({ mail }, account, 'notice-recovery-key-removed', request)
      return recoveryKeys.health(did)
    },
  })
