import { mainSchema } from '@atcute/bluesky/types/app/ageassurance/begin'
import { type Method, procedure, XrpcError } from '#protocol/xrpc'
import { isAgeRegion } from '../age-assurance/age-regions.ts'
import type { ReadParts } from '../parts.ts'

/** Refused, with the reason: nobody here assures ages. Errors: RegionNotSupported, InvalidInitiation. */
export function begin({ ageRegions, auth }: Pick<ReadParts, 'ageRegions' | 'auth'>): Method {
  return procedure(mainSchema, {
    auth: auth.required,
    async handle({ input }) {
      if (isAgeRegion(ageRegions, input)) throw notAssuring()
      throw new XrpcError(400, 'RegionNotSupported', 'No age is asked for in this region')
    },
  })
}

/** What counts where an age is asked for. */
export function notAssuring(): XrpcError {
  const message = 'Ages are not assured here: what counts is the age that the account declares'
  return new XrpcError(400, 'InvalidInitiation', message)
}
