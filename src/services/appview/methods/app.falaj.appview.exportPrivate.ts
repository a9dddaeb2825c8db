import { exportPrivate as schema } from '#protocol/account'
import { type Method, query } from '#protocol/xrpc'
import type { ReadParts } from '../parts.ts'

/** A page of what is known here alone of the viewer. */
export function exportPrivate({
  auth,
  privateState,
}: Pick<ReadParts, 'auth' | 'privateState'>): Method {
  return query(schema, {
    auth: auth.required,
    handle: ({ params, caller }) =>
      privateState.export(caller.aid, { cursor: params.cursor, limit: params.limit }),
  })
}
