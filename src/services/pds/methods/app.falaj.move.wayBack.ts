import { moveBack as schema } from '#protocol/account'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/** Moves the account back to where it came from. Errors: NotNow, MailRequired. */
export const moveWayBack = ({ callers, moves }: Pick<Pds, 'callers' | 'moves'>) =>
  procedure(schema, {
    auth: callers.account({ deactivated: true, least: 'full' }),
    limits: { bodyBytes: 4_096 },
    handle: ({ input, caller: { account } }) => moves.wayBack(account, input),
  })
