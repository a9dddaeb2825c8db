import { type Did, isDid } from './did.ts'
import { invalid } from './error.ts'
import { type Handle, isHandle } from './handle.ts'
import { isNsid, type Nsid } from './nsid.ts'
import { isRecordKey, type RecordKey } from './record-key.ts'

/** `at://<did or handle>[/<collection>[/<rkey>]]`. */
export type AtUri =
  | `at://${AtIdentifier}`
  | `at://${AtIdentifier}/${Nsid}`
  | `at://${AtIdentifier}/${Nsid}/${RecordKey}`

/** A DID or a handle: who a request is about. */
export type AtIdentifier = Did | Handle

export interface AtUriParts {
  authority: AtIdentifier
  collection?: Nsid
  rkey?: RecordKey
}

const PREFIX = 'at://'
const MAX_AT_URI_LENGTH = 8192

/** Whether the text is a DID or a handle. */
export function isAtIdentifier(text: unknown): text is AtIdentifier {
  return isDid(text) || isHandle(text)
}

/** A DID unchanged, or a handle in lower case. Throws 'InvalidAtIdentifier'. */
export function parseAtIdentifier(text: string): AtIdentifier {
  if (isDid(text)) return text
  if (isHandle(text)) return text.toLowerCase() as Handle
  throw invalid('AtIdentifier', text)
}

function split(text: unknown): AtUriParts | undefined {
  if (typeof text !== 'string' || text.length > MAX_AT_URI_LENGTH || !text.startsWith(PREFIX))
    return
  const first = text.indexOf('/', PREFIX.length)
  const authority = text.slice(PREFIX.length, first === -1 ? undefined : first)
  if (!isAtIdentifier(authority)) return
  if (first === -1) return { authority }
  const second = text.indexOf('/', first + 1)
  const collection = text.slice(first + 1, second === -1 ? undefined : second)
  if (!isNsid(collection)) return
  if (second === -1) return { authority, collection }
  const rkey = text.slice(second + 1)
  return isRecordKey(rkey) ? { authority, collection, rkey } : undefined
}

/**
 * Whether the text is an AT-URI as lexicons allow it: at most 8192 characters, no query, no
 * fragment, no trailing slash. https://atproto.com/specs/at-uri-scheme
 */
export function isAtUri(text: unknown): text is AtUri {
  return split(text) !== undefined
}

/** The parts of an AT-URI, each checked and unchanged. Throws 'InvalidAtUri'. */
export function parseAtUri(text: string): AtUriParts {
  const parts = split(text)
  if (parts === undefined) throw invalid('AtUri', text)
  return parts
}

/** The AT-URI of a record or a collection. The parts are taken as already checked. */
export function formatAtUri(authority: AtIdentifier, collection?: Nsid, rkey?: RecordKey): AtUri {
  if (collection === undefined) return `at://${authority}`
  return rkey === undefined
    ? `at://${authority}/${collection}`
    : `at://${authority}/${collection}/${rkey}`
}
