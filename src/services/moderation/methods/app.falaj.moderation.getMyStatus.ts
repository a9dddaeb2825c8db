import { getMyStatus as schema } from '#protocol/account'
import { query } from '#protocol/xrpc'
import type { Moderation } from '../parts.ts'

/** What was decided about the caller, and still holds. */
export const getMyStatus = ({ callers, myStatus }: Pick<Moderation, 'callers' | 'myStatus'>) =>
  query(schema, {
    auth: callers.account,
    handle: ({ params, caller }) => myStatus.of(caller, params),
  })
