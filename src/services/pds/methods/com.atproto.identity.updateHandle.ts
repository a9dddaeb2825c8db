import { ComAtprotoIdentityUpdateHandle } from '@atcute/atproto'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { handleRates } from '../rates.ts'
import { changeHandle, type RenamingParts } from './change-handle.ts'

/**
 * Gives the account another handle. Errors: InvalidHandle, UnsupportedDomain, HandleNotAvailable,
 * InvalidRequest, PlcRefused.
 */
export const updateHandle = (pds: Pick<Pds, 'callers'> & RenamingParts) =>
  procedure(ComAtprotoIdentityUpdateHandle.mainSchema, {
    auth: pds.callers.account({
      least: 'full',
      app: (permissions) => permissions.requireIdentity('handle'),
    }),
    limits: { rates: handleRates },
    async handle({ input, caller: { account } }) {
      await changeHandle(pds, account, input.handle)
    },
  })
