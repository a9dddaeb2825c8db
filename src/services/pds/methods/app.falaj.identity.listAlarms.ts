import { listAlarms as schema } from '#protocol/account'
import { query } from '#protocol/xrpc'
import type { Pds } from '../parts.ts'

/** Changes of the owner's identity that were not made here, and who can undo each. */
export const listAlarms = ({ callers, undoing }: Pick<Pds, 'callers' | 'undoing'>) =>
  query(schema, {
    auth: callers.account({ deactivated: true, takendown: true, least: 'full' }),
    handle: async ({ caller: { account } }) => ({ alarms: await undoing.list(account) }),
  })
