import { registerRecoveryKey as schema } from '#protocol/account'
import { procedure } from '#protocol/xrpc'
import { tellOwner } from '../mail/index.ts'
import type { Pds } from '../parts.ts'
import { identityRates } from '../rates.ts'

/** Puts an owner's key above the host's, for a one-time code. */
export const registerRecoveryKey = ({
  callers,
  codes,
  mail,
  recoveryKeys,
}: Pick<Pds, 'callers' | 'codes' | 'mail' | 'recoveryKeys'>) =>
  procedure(schema, {
    auth: callers.account({ deactivated: true, least: 'full' }),
    limits: { bodyBytes: 8_192, rates: identityRates },
    async handle({ input: { key, token, ...said }, caller: { account, did }, request }) {
      // Before the code: what cannot be done uses none up.
      recoveryKeys.requireUsable(did, key)
      await codes.use(did, 'plc-operation', token)
      await recoveryKeys.register(did, key, said)
      await tellOwner({ mail }, account, 'notice-recovery-key-added', request)
      return recoveryKeys.health(did)
    },
  })
