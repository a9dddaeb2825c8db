import { keepWrappedKey as schema } from '#protocol/account'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { passwordRates } from '../rates.ts'

/** Keeps an owner's key as they locked it with a passkey, or forgets it. */
export const keepWrappedKey = ({ callers, recoveryKeys }: Pick<Pds, 'callers' | 'recoveryKeys'>) =>
  procedure(schema, {
    auth: callers.account({ deactivated: true, least: 'full' }),
    limits: { bodyBytes: 8_192, rates: passwordRates },
    async handle({ input: { key, wrapped }, caller: { did } }) {
      await recoveryKeys.keepWrapped(did, key, wrapped)
      return recoveryKeys.health(did)
    },
  })
