/** Relative times, written as a person would say them. Pure. */

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/**
 * `now` under a minute, then minutes, hours and days in words, a date after a week, with its year
 * when that is not this one. A moment in the future (a clock that is off) counts as now.
 */
export function relativeTime(
  whenMs: number,
  nowMs: number,
  language: 'ar' | 'en',
  locale: string,
  now: string,
): string {
  const past = nowMs - whenMs
  if (past < minute) return now
  if (past >= 7 * day) return dateOf(whenMs, nowMs, locale)
  const format = relative(locale, language)
  if (past < hour) return format.format(-Math.floor(past / minute), 'minute')
  if (past < day) return format.format(-Math.floor(past / hour), 'hour')
  return format.format(-Math.floor(past / day), 'day')
}

const formats = new Map<string, Intl.RelativeTimeFormat>()

function relative(locale: string, language: 'ar' | 'en'): Intl.RelativeTimeFormat {
  const known = formats.get(locale)
  if (known) return known
  const made = new Intl.RelativeTimeFormat(locale, {
    numeric: 'always',
    style: language === 'ar' ? 'long' : 'narrow',
  })
  formats.set(locale, made)
  return made
}

function dateOf(whenMs: number, nowMs: number, locale: string): string {
  const sameYear = new Date(whenMs).getFullYear() === new Date(nowMs).getFullYear()
  return new Intl.DateTimeFormat(locale, {
    day: 'numeric',
    month: 'short',
    year: sameYear ? undefined : 'numeric',
  }).format(whenMs)
}
