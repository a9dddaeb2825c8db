import { invalid } from './error.ts'

/** `did:<method>:<identifier>`. */
export type Did<Method extends string = string> = `did:${Method}:${string}`

/** Characters in the longest DID atproto accepts. */
const MAX_DID_LENGTH = 2048

const DID = /^did:[a-z]+:[a-zA-Z0-9._:%-]*[a-zA-Z0-9._-]$/

/** Whether the text is a DID of any method. https://atproto.com/specs/did */
export function isDid(text: unknown): text is Did {
  return typeof text === 'string' && text.length <= MAX_DID_LENGTH && DID.test(text)
}

/** The text as a DID, unchanged (DIDs are case-sensitive). Throws 'InvalidDid'. */
export function parseDid(text: string): Did {
  if (!isDid(text)) throw invalid('Did', text)
  return text
}
