import { mainSchema } from '@atcute/bluesky/types/app/ageassurance/getConfig'
import { type Method, query } from '#protocol/xrpc'
import { ageConfig } from '../age-assurance/age-regions.ts'
import type { ReadParts } from '../parts.ts'

/** Where an age is asked for, and which one, as the operator set it. */
export function getConfig({ ageRegions, auth }: Pick<ReadParts, 'ageRegions' | 'auth'>): Method {
  return query(mainSchema, { auth: auth.optional, handle: async () => ageConfig(ageRegions) })
}
