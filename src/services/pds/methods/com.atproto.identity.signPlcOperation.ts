import { ComAtprotoIdentitySignPlcOperation } from '@atcute/atproto'
import type { PlcOperation } from '#protocol/identity'
import { invalidRequest, procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { identityRates } from '../rates.ts'

/** Signs a change of the owner's identity with the host's rotation key, for a one-time code. */
export const signPlcOperation = ({ callers, codes, plc }: Pick<Pds, 'callers' | 'codes' | 'plc'>) =>
  procedure(ComAtprotoIdentitySignPlcOperation.mainSchema, {
    auth: callers.account({
      deactivated: true,
      takendown: true,
      least: 'full',
      app: (permissions) => permissions.requireIdentity('*'),
    }),
    limits: { rates: identityRates },
    async handle({ input, caller: { account } }) {
      const { token, ...wanted } = input
      if (!token) throw invalidRequest('Email confirmation token required to sign PLC operations')
      await codes.use(account.did, 'plc-operation', token)
      const operation = await plc.change(account.did, wanted as Partial<PlcOperation>)
      return { operation: operation as unknown as Record<string, unknown> }
    },
  })
