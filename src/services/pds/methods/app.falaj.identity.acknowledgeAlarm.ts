import { acknowledgeAlarm as schema } from '#protocol/account'
import { procedure } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/** The owner made the change themselves, or it does not matter. */
export const acknowledgeAlarm = ({ callers, undoing }: Pick<Pds, 'callers' | 'undoing'>) =>
  procedure(schema, {
    auth: callers.account({ deactivated: true, takendown: true, least: 'full' }),
    handle: ({ input: { cid }, caller: { account } }) => undoing.acknowledge(account, cid),
  })
