import { invalid } from './error.ts'

/** Names a lexicon: a domain reversed, then a name, `com.atproto.sync.getRepo`. */
export type Nsid = `${string}.${string}.${string}`

/** A reversed domain (253), a dot and a name (63). Only the sum is limited, as in the vectors. */
const MAX_NSID_LENGTH = 253 + 1 + 63

const NSID =
  /^[a-zA-Z](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)+\.[a-zA-Z][a-zA-Z0-9]{0,62}$/

/** Whether the text is an NSID, without a fragment. https://atproto.com/specs/nsid */
export function isNsid(text: unknown): text is Nsid {
  return typeof text === 'string' && text.length <= MAX_NSID_LENGTH && NSID.test(text)
}

/** The text as an NSID, unchanged (its name is case-sensitive). Throws 'InvalidNsid'. */
export function parseNsid(text: string): Nsid {
  if (!isNsid(text)) throw invalid('Nsid', text)
  return text
}
