/** The languages letters are written in, the reader's own first. */

export type Language = 'ar' | 'en'
export type Languages = readonly [first: Language, second: Language]

const ARABIC_FIRST: Languages = ['ar', 'en']
const ENGLISH_FIRST: Languages = ['en', 'ar']
const TAGS_MAX = 20

/**
 * From an Accept-Language header (RFC 9110). Who wants neither of the two reads the one that is
 * known more widely; of whom nothing is known reads Arabic first.
 */
export function languagesFor(acceptLanguage: string | undefined): Languages {
  const wanted = (acceptLanguage ?? '').split(',', TAGS_MAX).flatMap(readTag)
  if (wanted.length === 0) return ARABIC_FIRST
  const best = wanted
    .toSorted((a, b) => b.weight - a.weight)
    .find(({ tag }) => tag === 'ar' || tag === 'en')
  return best?.tag === 'ar' ? ARABIC_FIRST : ENGLISH_FIRST
}

function readTag(part: string): { tag: string; weight: number }[] {
  const [range = '', ...rest] = part.trim().toLowerCase().split(';')
  const tag = range.trim().split('-')[0]!
  if (!/^[a-z]{2,8}$/.test(tag)) return []
  const given = rest.map((one) => /^\s*q=([\d.]+)\s*$/.exec(one)?.[1]).find((one) => one)
  const weight = given === undefined ? 1 : Number(given)
  return weight > 0 ? [{ tag, weight }] : []
}
