/** Which events a reader wants, as the query of /subscribe says. */
import { isDid, isNsid } from '#protocol/syntax'
import { invalidRequest } from '#protocol/xrpc'
import type { StoredEvent } from '../archive/index.ts'

/** Limits of the original service. */
const COLLECTIONS_MAX = 100
const DIDS_MAX = 10_000

export interface Filter {
  wants(event: StoredEvent): boolean
  /** Everything: batches may be passed on whole. */
  isOpen: boolean
}

/** Throws InvalidRequest for what is neither an NSID, a prefix ending in `.*`, nor a DID. */
export function readFilter(query: URLSearchParams): Filter {
  const collections = query.getAll('wantedCollections').filter((text) => text !== '')
  const dids = new Set(query.getAll('wantedDids').filter((text) => text !== ''))
  const maxBytes = readSize(query.get('maxMessageSizeBytes'))
  if (collections.length > COLLECTIONS_MAX) {
    throw invalidRequest(`at most ${COLLECTIONS_MAX} wanted collections`)
  }
  if (dids.size > DIDS_MAX) throw invalidRequest(`at most ${DIDS_MAX} wanted DIDs`)
  for (const did of dids) if (!isDid(did)) throw invalidRequest(`not a DID: ${did.slice(0, 100)}`)
  const wantsCollection = readCollections(collections)
  return {
    isOpen: collections.length === 0 && dids.size === 0 && maxBytes === 0,
    wants: ({ collection, did, json }) =>
      (collection === undefined || wantsCollection(collection)) &&
      (dids.size === 0 || dids.has(did)) &&
      (maxBytes === 0 || json.length <= maxBytes),
  }
}

function readCollections(texts: readonly string[]): (collection: string) => boolean {
  if (texts.length === 0) return () => true
  const whole = new Set<string>()
  const prefixes: string[] = []
  for (const text of texts) {
    if (text.endsWith('.*')) prefixes.push(text.slice(0, -1))
    else if (isNsid(text)) whole.add(text)
    else throw invalidRequest(`invalid collection: ${text.slice(0, 317)}`)
  }
  return (collection) =>
    whole.has(collection) || prefixes.some((prefix) => collection.startsWith(prefix))
}

function readSize(text: string | null): number {
  const bytes = Number(text ?? 0)
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : 0
}
