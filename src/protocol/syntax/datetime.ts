import { invalid } from './error.ts'

/** A moment as text, with a time zone: `2024-11-05T10:00:00.000Z`. */
export type Datetime = string

const MAX_DATETIME_LENGTH = 64

const DATETIME =
  /^(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/

/** The days of a month; a year is leap by its number, and February has 29 of them in leap years. */
function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

/**
 * Whether the text is a datetime of lexicons: the common part of RFC 3339, ISO 8601 and WHATWG HTML,
 * at most 64 characters, naming a day that exists and no moment before year 0.
 * https://atproto.com/specs/lexicon#datetime
 */
export function isDatetime(text: unknown): text is Datetime {
  if (typeof text !== 'string' || text.length > MAX_DATETIME_LENGTH) return false
  const match = DATETIME.exec(text)
  if (match === null || text.endsWith('-00:00')) return false
  const year = Number(match[1])
  const day = Number(match[3])
  if (day > 28 && day > daysInMonth(year, Number(match[2]))) return false
  // Only in year 0 can an offset move the moment to a year that has no four digits.
  return year !== 0 || !(Date.parse(text) < YEAR_ZERO_MS)
}

const YEAR_ZERO_MS = Date.parse('0000-01-01T00:00:00.000Z')

/** The text as a datetime, unchanged. Throws 'InvalidDatetime'. */
export function parseDatetime(text: string): Datetime {
  if (!isDatetime(text)) throw invalid('Datetime', text)
  return text
}

/** Milliseconds since 1970, fractions of a millisecond cut. Throws 'InvalidDatetime'. */
export function datetimeMs(text: string): number {
  return Date.parse(parseDatetime(text))
}

/** The datetime of a moment in the preferred form: UTC, milliseconds, `Z`. */
export function formatDatetime(ms: number): Datetime {
  return new Date(ms).toISOString()
}
