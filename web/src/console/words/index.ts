/** The console's words, in the language of the moment. */
import { language } from '../../app/prefs.ts'
import { type Blanks, choose, type Entry, parts } from '../../words/catalogue.ts'
import { number } from '../../words/index.ts'
import { ar } from './ar.ts'
import { en } from './en.ts'

export type Word = keyof typeof en

const catalogues: Record<'ar' | 'en', Record<Word, Entry>> = { ar, en }
const plurals = { ar: new Intl.PluralRules('ar'), en: new Intl.PluralRules('en') }

type Filled<K extends Word> = [Blanks<(typeof en)[K]>] extends [never]
  ? []
  : [blanks: Record<Blanks<(typeof en)[K]>, string | number>]

/** The phrase in the page's language; numbers among the blanks are written in its digits. */
export function w<K extends Word>(key: K, ...filled: Filled<K>): string {
  const blanks = (filled[0] ?? {}) as Record<string, string | number>
  const count = typeof blanks.n === 'number' ? blanks.n : 0
  const text = choose(catalogues[language.value][key], count, plurals[language.value])
  return parts(text)
    .map((part) => {
      if (typeof part === 'string') return part
      const value = blanks[part.blank]
      return typeof value === 'number' ? number(value) : (value ?? '')
    })
    .join('')
}
