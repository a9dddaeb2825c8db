import { undoOperation as schema } from '#protocol/account'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'
import { identityRates } from '../rates.ts'

/** Takes back a change of the owner's identity that was not made here. */
export const undoOperation = ({ callers, undoing }: Pick<Pds, 'callers' | 'undoing'>) =>
  procedure(schema, {
    auth: callers.account({ deactivated: true, takendown: true, least: 'full' }),
    limits: { rates: identityRates },
    handle: ({ input: { cid, sig }, caller: { account } }) => undoing.undo(account, cid, sig),
  })
