import { getKeyHealth as schema } from '#protocol/account'
import { query } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/** Which keys may change the owner's identity, and whose they are. */
export const getKeyHealth = ({ callers, recoveryKeys }: Pick<Pds, 'callers' | 'recoveryKeys'>) =>
  query(schema, {
    auth: callers.account({ deactivated: true, takendown: true, least: 'full' }),
    handle: ({ caller: { did } }) => recoveryKeys.health(did),
  })
