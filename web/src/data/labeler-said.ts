/** What a labeler's record says of it and of the words it uses, read with care. Pure. */
import type { Asks, Visibility } from './labels.ts'

/** A word of a labeler's own, as it explains it. */
export interface Word extends Asks {
  identifier: string
  /** Its name and what it means, by language tag. */
  said: Readonly<Record<string, { name: string; about: string }>>
}

/** A labeler as it describes itself. */
export interface Labeler {
  did: string
  handle?: string
  name?: string
  about?: string
  avatar?: string
  /** Every label it may put, its own and those everybody knows. */
  values: readonly string[]
  words: readonly Word[]
}

/** app.bsky.labeler.defs#labelValueDefinition, as it may come from anybody. */
interface Definition {
  identifier?: unknown
  severity?: unknown
  blurs?: unknown
  defaultSetting?: unknown
  adultOnly?: unknown
  locales?: { lang?: unknown; name?: unknown; description?: unknown }[]
}

export interface Policies {
  labelValues?: unknown[]
  labelValueDefinitions?: Definition[]
}

const maxWords = 200
const wordSigns = /^[a-z-]{1,100}$/

/** The labels and words of a labeler's policies; what is not as it should be is left out. */
export function readPolicies(policies: Policies | undefined): Pick<Labeler, 'values' | 'words'> {
  const values = listOf(policies?.labelValues)
    .filter((value) => typeof value === 'string')
    .slice(0, maxWords)
  const words = listOf(policies?.labelValueDefinitions)
    .flatMap((one) => wordOf(one) ?? [])
    .slice(0, maxWords)
  return { values, words }
}

function listOf<T>(value: readonly T[] | undefined): readonly T[] {
  return Array.isArray(value) ? value.filter((one) => one !== null) : []
}

function wordOf(one: Definition): Word | undefined {
  const { identifier, severity, blurs, defaultSetting, adultOnly } = one
  // Names with `!` are not theirs to explain.
  if (typeof identifier !== 'string' || !wordSigns.test(identifier)) return undefined
  const said: Word['said'] = Object.fromEntries(
    listOf(one.locales).flatMap(({ lang, name, description }) =>
      typeof lang === 'string' && typeof name === 'string' && name.trim() !== ''
        ? [
            [
              lang.toLowerCase(),
              { name, about: typeof description === 'string' ? description : '' },
            ],
          ]
        : [],
    ),
  )
  return {
    identifier,
    said,
    blurs: oneOf(blurs, ['content', 'media', 'none']) ?? 'none',
    severity: oneOf(severity, ['alert', 'inform', 'none']) ?? 'inform',
    preset: oneOf<Visibility>(defaultSetting, ['ignore', 'warn', 'hide']) ?? 'warn',
    adultOnly: adultOnly === true,
  }
}

function oneOf<T extends string>(value: unknown, known: readonly T[]): T | undefined {
  return known.find((one) => one === value)
}

/** What a word is called and means, in the reader's language, else in English, else in any. */
export function saidIn(word: Word, language: string): { name: string; about: string } | undefined {
  const { said } = word
  const tags = Object.keys(said)
  const tag =
    [language, 'en'].flatMap(
      (wanted) => tags.find((one) => one === wanted || one.startsWith(`${wanted}-`)) ?? [],
    )[0] ?? tags[0]
  return tag === undefined ? undefined : said[tag]
}
