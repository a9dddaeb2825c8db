import { mainSchema } from '@atcute/bluesky/types/app/ageassurance/getState'
import { type Method, query } from '#protocol/xrpc'
import type { ReadParts } from '../parts.ts'

/** Nobody's age is assured here: it is unknown, and clients go by what the account declares. */
export function getState({ auth }: Pick<ReadParts, 'auth'>): Method {
  return query(mainSchema, {
    auth: auth.required,
    handle: async () => ({ state: { status: 'unknown', access: 'unknown' }, metadata: {} }),
  })
}
