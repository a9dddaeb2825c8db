/** Counting as people count: one for each character they see, whatever it is made of. Pure. */

/** The longest post, in graphemes (app.bsky.feed.post#text). */
export const maxGraphemes = 300
/** And in bytes, which very long combining sequences reach first. */
export const maxBytes = 3000

const segmenter = new Intl.Segmenter('und', { granularity: 'grapheme' })

/** The number of graphemes in `text`. */
export function graphemes(text: string): number {
  let count = 0
  for (const _ of segmenter.segment(text)) count += 1
  return count
}

/** The index in `text` where the first `limit` graphemes end. */
export function cutAt(text: string, limit: number): number {
  let count = 0
  for (const { index } of segmenter.segment(text)) {
    if (count === limit) return index
    count += 1
  }
  return text.length
}

/** The first grapheme, for avatars without a picture. */
export function firstGrapheme(text: string): string {
  const first = segmenter.segment(text)[Symbol.iterator]().next()
  return first.done ? '' : first.value.segment
}

// Addresses and names are Latin in every language.
const addresses = /https?:\/\/\S+|@[\w.-]+/g

/** The language of a text by its script: Arabic when most of its letters are, else `otherwise`. */
export function languageOf(written: string, otherwise: string): string {
  const text = written.replace(addresses, '')
  const arabic = text.match(/\p{Script=Arabic}/gu)?.length ?? 0
  const letters = text.match(/\p{L}/gu)?.length ?? 0
  if (letters === 0) return otherwise
  if (arabic * 2 > letters) return 'ar'
  return otherwise === 'ar' ? 'en' : otherwise
}
