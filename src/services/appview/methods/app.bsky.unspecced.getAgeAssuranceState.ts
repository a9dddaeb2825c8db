import { mainSchema } from '@atcute/bluesky/types/app/unspecced/getAgeAssuranceState'
import { type Method, query } from '#protocol/xrpc'
import type { ReadParts } from '../parts.ts'

/** The older form of app.bsky.ageassurance.getState. */
export function getAgeAssuranceState({ auth }: Pick<ReadParts, 'auth'>): Method {
  return query(mainSchema, { auth: auth.required, handle: async () => ({ status: 'unknown' }) })
}
