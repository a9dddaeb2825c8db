/** Sizes, speeds and times as the reader's language writes them. */
import { LOCALES } from '../account/frame.ts'
import type { Visit } from '../index.ts'

const SIZES = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const

/** Bytes, in the unit that leaves one to three digits before the point. */
export const bytesText = (visit: Visit, bytes: number): string => sized(visit, bytes, '')

/** Bytes a second. */
export const rateText = (visit: Visit, bytes: number): string => sized(visit, bytes, '-per-second')

function sized({ language }: Visit, bytes: number, per: '' | '-per-second'): string {
  const step = bytes < 1_000 ? 0 : Math.min(SIZES.length - 1, Math.floor(Math.log10(bytes) / 3))
  const format = new Intl.NumberFormat(LOCALES[language], {
    style: 'unit',
    unit: `${SIZES[step]!}${per}`,
    unitDisplay: 'short',
    maximumFractionDigits: step > 1 ? 1 : 0,
  })
  return format.format(bytes / 1_000 ** step)
}

/** About how long: seconds up to a minute and a half, then minutes, then hours. */
export function durationText({ language }: Visit, seconds: number): string {
  const [value, unit] =
    seconds < 90
      ? [seconds, 'second']
      : seconds < 90 * 60
        ? [seconds / 60, 'minute']
        : [seconds / 3_600, 'hour']
  const style = { style: 'unit', unit, unitDisplay: 'long' } as const
  return new Intl.NumberFormat(LOCALES[language], style).format(Math.max(1, Math.round(value)))
}

/** A host as people say it. */
export const hostName = (origin: string): string => URL.parse(origin)?.host ?? origin
