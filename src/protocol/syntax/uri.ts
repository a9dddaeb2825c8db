import { invalid } from './error.ts'

/** A URI of any scheme. */
export type Uri = `${string}:${string}`

const MAX_URI_LENGTH = 8192

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
const URI = /^[a-zA-Z][a-zA-Z0-9+.-]{0,80}:[^\s\u0000-\u001f\u007f]+$/

const CID_SYNTAX = /^[a-zA-Z0-9+=]{8,256}$/

/**
 * Whether the text is a URI with a scheme and something after it, at most 8192 characters, no white
 * space. https://atproto.com/specs/lexicon#uri
 */
export function isUri(text: unknown): text is Uri {
  return typeof text === 'string' && text.length <= MAX_URI_LENGTH && URI.test(text)
}

/** The text as a URI, unchanged. Throws 'InvalidUri'. */
export function parseUri(text: string): Uri {
  if (!isUri(text)) throw invalid('Uri', text)
  return text
}

/**
 * Whether the text has the outer form of a CID of version 1, in any multibase and of any hash.
 * What may stand in repositories is narrower: `parseCid` of the data room.
 */
export function isCidSyntax(text: unknown): text is string {
  return typeof text === 'string' && CID_SYNTAX.test(text) && !text.startsWith('Qm')
}

/** The text as a CID of any kind, unchanged. Throws 'InvalidCid'. */
export function parseCidSyntax(text: string): string {
  if (!isCidSyntax(text)) throw invalid('Cid', text)
  return text
}
