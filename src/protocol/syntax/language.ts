import { invalid } from './error.ts'

/** A BCP 47 language tag: `en`, `pt-BR`, `zh-Hant`. */
export type Language = string

const MAX_LANGUAGE_LENGTH = 128

/** Tags of RFC 5646 §2.2.8 that no rule produces. */
const IRREGULAR = new Set([
  'en-gb-oed',
  ...['i-ami', 'i-bnn', 'i-default', 'i-enochian', 'i-hak', 'i-klingon', 'i-lux', 'i-mingo'],
  ...['i-navajo', 'i-pwn', 'i-tao', 'i-tay', 'i-tsu', 'sgn-be-fr', 'sgn-be-nl', 'sgn-ch-de'],
])

const PRIVATE_USE = /^x(?:-[a-z0-9]{1,8})+$/i
const TAG =
  /^[a-z]{2,3}(?:-[a-zA-Z]{3}){0,3}(?:-[a-zA-Z]{4})?(?:-(?:[a-zA-Z]{2}|\d{3}))?((?:-(?:[a-zA-Z0-9]{5,8}|\d[a-zA-Z0-9]{3}))*)((?:-[a-wy-zA-WY-Z0-9](?:-[a-zA-Z0-9]{2,8})+)*)(?:-[xX](?:-[a-zA-Z0-9]{1,8})+)?$/

/**
 * Whether the text is a valid BCP 47 tag: well-formed, no variant and no extension twice. The
 * language itself is two or three lower-case letters, as the interoperability vectors ask.
 */
export function isLanguage(text: unknown): text is Language {
  if (typeof text !== 'string' || text.length > MAX_LANGUAGE_LENGTH) return false
  const match = TAG.exec(text)
  if (match === null) return PRIVATE_USE.test(text) || IRREGULAR.has(text.toLowerCase())
  return (
    !hasRepeat(match[1]!.split('-')) &&
    !hasRepeat(match[2]!.split('-').filter((subtag) => subtag.length === 1))
  )
}

/** The text as a language tag, unchanged. Throws 'InvalidLanguage'. */
export function parseLanguage(text: string): Language {
  if (!isLanguage(text)) throw invalid('Language', text)
  return text
}

function hasRepeat(subtags: string[]): boolean {
  return new Set(subtags.map((subtag) => subtag.toLowerCase())).size !== subtags.length
}
