/** What a catalogue of words is, and how an entry becomes a sentence. Pure: tests run it in Node. */

/** A counted phrase: one form per plural category of the language (Arabic has six). */
export interface Forms {
  zero?: string
  one?: string
  two?: string
  few?: string
  many?: string
  other: string
}

export type Entry = string | Forms

type Names<Text> = Text extends `${string}{${infer Name}}${infer Rest}` ? Name | Names<Rest> : never

/** The `{names}` that an entry wants filled. */
export type Blanks<E> = E extends string
  ? Names<E>
  : E extends Forms
    ? Names<E[keyof E]> | 'n'
    : never

/** Picks the plural form for `count`; plain strings are themselves. */
export function choose(entry: Entry, count: number, rules: Intl.PluralRules): string {
  if (typeof entry === 'string') return entry
  if (count === 0 && entry.zero !== undefined) return entry.zero
  return entry[rules.select(count)] ?? entry.other
}

/** Splits `'by {who}, twice'` into `['by ', { blank: 'who' }, ', twice']`. */
export function parts(text: string): (string | { blank: string })[] {
  return text
    .split(/(\{[a-zA-Z]+\})/)
    .filter((part) => part !== '')
    .map((part) => (/^\{[a-zA-Z]+\}$/.test(part) ? { blank: part.slice(1, -1) } : part))
}
