import { exportPrivate as schema } from '#protocol/account'
import { type Method, query } from '#protocol/xrpc'
import type { ReadParts } from '../parts.ts'

/** A page of what is known here alone of the viewer. */
export function exportPrivate({
  auth,
  did,
  privateState,
}: Pick<ReadParts, 'auth' | 'did' | 'privateState'>): Method {
  return query(schema, {
    auth: auth.required,
    async handle({ params: { cursor, limit }, caller }) {
      return { did, ...(await privateState.export(caller.aid, { cursor, limit })) }
    },
  })
}
