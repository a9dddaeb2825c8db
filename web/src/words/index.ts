/** The words of the page, its numbers and its dates, in the language of the moment. */
import type { ComponentChildren } from 'preact'
import { language } from '../app/prefs.ts'
import { ar } from './ar.ts'
import { type Blanks, choose, type Entry, parts } from './catalogue.ts'
import { en } from './en.ts'
import { relativeTime } from './time.ts'

/** The name of a phrase. */
export type Key = keyof typeof en

const catalogues: Record<'ar' | 'en', Record<Key, Entry>> = { ar, en }

// Gregorian dates and Arabic-Indic digits, whatever the machine's own defaults are.
const locales = { ar: 'ar-OM-u-ca-gregory-nu-arab', en: 'en-GB' } as const

type Filled<K extends Key> = [Blanks<(typeof en)[K]>] extends [never]
  ? []
  : [blanks: Record<Blanks<(typeof en)[K]>, string | number>]

/** The phrase in the page's language; numbers among the blanks are written in its digits. */
export function t<K extends Key>(key: K, ...filled: Filled<K>): string {
  const blanks = (filled[0] ?? {}) as Record<string, string | number>
  return parts(phrase(key, blanks.n))
    .map((part) => (typeof part === 'string' ? part : written(blanks[part.blank])))
    .join('')
}

/** Like `t`, for phrases that hold elements: a list of children with the blanks filled by nodes. */
export function rich<K extends Key>(
  key: K,
  blanks: Record<Blanks<(typeof en)[K]>, ComponentChildren>,
): ComponentChildren[] {
  const nodes = blanks as Record<string, ComponentChildren>
  return parts(phrase(key, nodes.n)).map((part) => {
    if (typeof part === 'string') return part
    const node = nodes[part.blank]
    return typeof node === 'number' ? number(node) : node
  })
}

function phrase(key: Key, count: unknown): string {
  const current = language.value
  const entry = catalogues[current][key]
  return choose(entry, typeof count === 'number' ? count : 0, plurals[current])
}

const plurals = { ar: new Intl.PluralRules('ar'), en: new Intl.PluralRules('en') }

function written(value: string | number | undefined): string {
  return typeof value === 'number' ? number(value) : (value ?? '')
}

const numbers = {
  ar: new Intl.NumberFormat(locales.ar),
  en: new Intl.NumberFormat(locales.en),
}

/** A whole number in the page's digits, grouped. */
export function number(value: number): string {
  return numbers[language.value].format(value)
}

const short = {
  ar: new Intl.NumberFormat(locales.ar, { notation: 'compact', maximumFractionDigits: 1 }),
  en: new Intl.NumberFormat(locales.en, { notation: 'compact', maximumFractionDigits: 1 }),
}

/** A count for tight places: 1.2K, ١٫٢ ألف. */
export function compact(value: number): string {
  return value < 10_000 ? number(value) : short[language.value].format(value)
}

/** A size in bytes, in the unit that reads best. */
export function bytes(value: number): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const
  let rest = value
  let unit = 0
  while (rest >= 1000 && unit < units.length - 1) {
    rest /= 1000
    unit += 1
  }
  return new Intl.NumberFormat(locales[language.value], {
    style: 'unit',
    unit: units[unit],
    unitDisplay: unit === 0 ? 'long' : 'short',
    maximumFractionDigits: rest < 10 && unit > 0 ? 1 : 0,
  }).format(rest)
}

/** A share between 0 and 1 as a percentage. */
export function percent(value: number): string {
  return new Intl.NumberFormat(locales[language.value], { style: 'percent' }).format(value)
}

/** How long something took, in seconds. */
export function seconds(ms: number): string {
  return new Intl.NumberFormat(locales[language.value], {
    style: 'unit',
    unit: 'second',
    unitDisplay: 'long',
    maximumFractionDigits: ms < 10_000 ? 1 : 0,
  }).format(ms / 1000)
}

/** How long ago, for a line of names: `2h ago`, `قبل ساعتين`; a date after a week. */
export function ago(whenMs: number, nowMs: number): string {
  return relativeTime(whenMs, nowMs, language.value, locales[language.value], t('time.now'))
}

/** The whole moment, for titles and receipts. */
export function moment(whenMs: number): string {
  return new Intl.DateTimeFormat(locales[language.value], {
    dateStyle: 'long',
    timeStyle: 'short',
  }).format(whenMs)
}

/** A month and a year: when somebody joined. */
export function month(whenMs: number): string {
  return new Intl.DateTimeFormat(locales[language.value], {
    month: 'long',
    year: 'numeric',
  }).format(whenMs)
}

/** A list in one sentence: a, b and c. */
export function listed(items: readonly string[]): string {
  return new Intl.ListFormat(locales[language.value]).format(items)
}
