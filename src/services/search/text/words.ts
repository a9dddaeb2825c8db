/** From text to the words that are indexed and asked for. Pure. */
import { foldCharacters } from './fold.ts'

/**
 * What stands as a word of its own: a flag (two regional letters), an emoji, a character of a script
 * that puts no spaces between words; else a run of letters, digits and their marks.
 */
const WORD =
  /\p{RI}\p{RI}|\p{Extended_Pictographic}|[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]\p{M}*|[[\p{L}\p{N}\p{M}]--[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]]+/gv
const ASCII_WORD = /[a-z0-9]+/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant
const ASCII = /^[\x00-\x7f]*$/

/** Longest word, in UTF-16 units: what is longer is cut on both sides alike. */
const WORD_LENGTH_MAX = 100

/** The article ال, folded. */
const ARTICLE = '\u0627\u0644'
/** Letters that must be left of a word without its article, or without its hamza. */
const ARTICLE_REST_MIN = 2
const HAMZA_REST_MIN = 3
const HAMZA = /\u0621/g
/**
 * Words of everyday use that begin with ال and would become quite another word without it (الله → له,
 * الآن → أن, اللي → لي). Folded.
 */
const WHOLE: ReadonlySet<string> = new Set([
  '\u0627\u0644\u0644\u0647', // الله
  '\u0627\u0644\u0644\u0647\u0645', // اللهم
  '\u0627\u0644\u0627\u0646', // الان
  '\u0627\u0644\u0644\u064a', // اللي
])

/**
 * The words of a text in order, each in the form under which it is indexed: folded, Arabic words
 * without the article. «الفَلَج» and «فلج» give the same word. Giving the words back in, joined by
 * spaces, changes nothing.
 */
export function wordsOf(text: string): string[] {
  const folded = foldCharacters(text)
  const found = folded.match(ASCII.test(folded) ? ASCII_WORD : WORD) ?? []
  return found.map((word) => stemWord(cut(word)))
}

/**
 * Forms that the beginning of a word may have in the index: «الف» begins «الف» as well as «الفلج»,
 * which is indexed as «فلج». The first is the most likely one.
 */
export function beginningsOf(word: string): string[] {
  const [stem] = wordsOf(word)
  if (stem === undefined) return []
  const folded = foldCharacters(word)
  const forms = new Set([stem])
  if (folded.startsWith(ARTICLE)) {
    forms.add(folded)
    if (folded.length > ARTICLE.length) forms.add(folded.slice(ARTICLE.length))
  }
  return [...forms]
}

/**
 * Takes the article and hamza off a folded word, again and again until nothing changes: that way
 * «الألعاب», «ألعاب» and «العاب» agree, whoever wrote the hamza. A hamza stays in short words,
 * because ماء (water) is not ما (what).
 */
function stemWord(word: string): string {
  let stem = word
  for (;;) {
    const before = stem
    if (stem.startsWith(ARTICLE) && stem.length >= ARTICLE.length + ARTICLE_REST_MIN)
      if (!WHOLE.has(stem)) stem = stem.slice(ARTICLE.length)
    if (stem.includes('\u0621')) {
      const bare = stem.replace(HAMZA, '')
      if (bare.length >= HAMZA_REST_MIN) stem = bare
    }
    if (stem === before) return stem
  }
}

function cut(word: string): string {
  if (word.length <= WORD_LENGTH_MAX) return word
  return word
    .slice(0, WORD_LENGTH_MAX)
    .toWellFormed()
    .replace(/\ufffd$/, '')
}
