import { ComAtprotoIdentityUpdateHandle } from '@atcute/atproto'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { handleRates } from '../rates.ts'

type Parts = Pick<Pds, 'callers' | 'directory' | 'handles' | 'standing'>

/**
 * Gives the account another handle: claimed here, written to its identity, announced. Errors:
 * InvalidHandle, UnsupportedDomain, HandleNotAvailable, PlcRefused.
 */
export const updateHandle = (pds: Parts) =>
  procedure(ComAtprotoIdentityUpdateHandle.mainSchema, {
    auth: pds.callers.account({
      least: 'full',
      app: (permissions) => permissions.requireIdentity('handle'),
    }),
    limits: { rates: handleRates },
    async handle({ input, caller: { account } }) {
      const handle = await pds.handles.requireFor(account.did, input.handle)
      await pds.standing.rename(account, handle)
      pds.directory.forget(account.did)
    },
  })
