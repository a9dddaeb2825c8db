/** Few things, looked through one by one: feeds and starter packs, the most used first. */

/** Things looked at for one page at a time; a page that finds little goes on behind them. */
export const LOOKED_AT = 100

/** Words of a query, written so that upper case and forms of presentation make no difference. */
export function wordsOf(query: string): string[] {
  return fold(query).split(/\s+/).filter(Boolean)
}

/** Whether a text has every word, be it as a part of another. */
export function hasWords(text: string, words: readonly string[]): boolean {
  if (words.length === 0) return true
  const folded = fold(text)
  return words.every((word) => folded.includes(word))
}

function fold(text: string): string {
  return text.normalize('NFKC').toLowerCase()
}
