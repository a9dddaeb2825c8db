/** Texts that say the same in two languages, one after the other: the part for the reader. Pure. */

const arabic = /\p{Script=Arabic}/u

/**
 * The lines of `text` in the reader's script when it has lines in both, else the whole text. Names
 * written in one line are parted at a middle dot.
 */
export function inLanguage(text: string, language: 'ar' | 'en'): string {
  const pieces = text.split(/\s*\n\s*|\s+·\s+/).filter((piece) => piece !== '')
  const mine = pieces.filter((piece) => arabic.test(piece) === (language === 'ar'))
  if (mine.length === 0 || mine.length === pieces.length) return text
  return mine.join('\n')
}
