import type { AppBskyAgeassuranceDefs } from '@atcute/bluesky'
import { type Setting, text } from '#platform/runtime'

/** A country, or a part of one, where the operator asks for an age. */
export interface AgeRegion {
  /** ISO 3166-1 alpha-2. */
  countryCode: string
  /** The part after the dash of ISO 3166-2; undefined for all of the country. */
  regionCode: string | undefined
  minAge: number
}

const REGION = /^([A-Z]{2})(?:-([A-Z0-9]{1,3}))?:(\d{1,2})$/

/** A setting such as `GB:18` or `US-MS:18`. */
export const ageRegion: Setting<AgeRegion> = {
  ...text({ required: true, help: '' }),
  type: 'REGION:AGE',
  default: undefined,
  read(value) {
    const [, countryCode, regionCode, age] = REGION.exec(value) ?? []
    if (countryCode === undefined) throw new Error('must be REGION:AGE, such as GB:18 or US-MS:18')
    return { countryCode, regionCode, minAge: Number(age) }
  },
  show: ({ countryCode, regionCode, minAge }) =>
    `${countryCode}${regionCode === undefined ? '' : `-${regionCode}`}:${minAge}`,
}

/**
 * The rules by which clients decide. Nobody here looks at papers or faces, so what counts is the age
 * that an account declares at its host; who declares none, or too low a one, is let see nothing.
 */
export function ageConfig(regions: readonly AgeRegion[]): AppBskyAgeassuranceDefs.Config {
  return {
    regions: regions.map(({ countryCode, regionCode, minAge }) => ({
      countryCode,
      ...(regionCode !== undefined && { regionCode }),
      minAccessAge: minAge,
      rules: [
        {
          $type: 'app.bsky.ageassurance.defs#configRegionRuleIfDeclaredOverAge',
          age: minAge,
          access: 'full',
        },
        { $type: 'app.bsky.ageassurance.defs#configRegionRuleDefault', access: 'none' },
      ],
    })),
  }
}

/** Whether an age is asked for somewhere. Codes are compared whatever their case. */
export function isAgeRegion(
  regions: readonly AgeRegion[],
  where: { countryCode: string; regionCode?: string | undefined },
): boolean {
  const [country, region] = [where.countryCode.toUpperCase(), where.regionCode?.toUpperCase()]
  return regions.some(
    ({ countryCode, regionCode }) =>
      countryCode === country && (regionCode === undefined || regionCode === region),
  )
}
