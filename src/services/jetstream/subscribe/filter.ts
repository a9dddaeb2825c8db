/** Which events a reader wants. */
import { isDid, isNsid } from '#protocol/syntax'
import { invalidRequest } from '#protocol/xrpc'
import type { StoredEvent } from '../archive/index.ts'

/** Limits of the original service. */
const COLLECTIONS_MAX = 100
const DIDS_MAX = 10_000

/** A filter as a reader gives it; empty lists and 0 mean all. */
export interface Wishes {
  wantedCollections: readonly string[]
  wantedDids: readonly string[]
  maxMessageSizeBytes: number
}

export interface Filter {
  wants(event: StoredEvent): boolean
  /** Everything: batches may be passed on whole. */
  isOpen: boolean
}

/** Throws InvalidRequest for what is neither an NSID, a prefix ending in `.*`, nor a DID. */
export function makeFilter(wishes: Wishes): Filter {
  const { wantedCollections: collections, maxMessageSizeBytes: maxBytes } = wishes
  const dids = new Set(wishes.wantedDids)
  if (collections.length > COLLECTIONS_MAX) {
    throw invalidRequest(`at most ${COLLECTIONS_MAX} wanted collections`)
  }
  if (dids.size > DIDS_MAX) throw invalidRequest(`at most ${DIDS_MAX} wanted DIDs`)
  for (const did of dids) if (!isDid(did)) throw invalidRequest(`invalid did: ${cut(did)}`)
  const wantsCollection = readCollections(collections)
  return {
    isOpen: !wantsCollection && dids.size === 0 && maxBytes === 0,
    wants(event) {
      if (dids.size > 0 && !dids.has(event.did)) return false
      if (maxBytes > 0 && event.jsonBytes > maxBytes) return false
      // What is no commit has no collection, and everybody gets it.
      const { collection } = event
      return collection === undefined || !wantsCollection || wantsCollection(collection)
    },
  }
}

/** Undefined when all are wanted. */
function readCollections(texts: readonly string[]): ((collection: string) => boolean) | undefined {
  if (texts.length === 0) return undefined
  const whole = new Set<string>()
  const prefixes: string[] = []
  for (const text of texts) {
    if (isNsid(text)) whole.add(text)
    else if (isPrefix(text)) prefixes.push(text.slice(0, -1))
    else throw invalidRequest(`invalid collection: ${cut(text)}`)
  }
  return (collection) =>
    whole.has(collection) || prefixes.some((prefix) => collection.startsWith(prefix))
}

/** One segment or more, then `.*`. */
function isPrefix(text: string): boolean {
  return text.length <= 317 && /^[a-zA-Z0-9-]+(\.[a-zA-Z0-9-]+)*\.\*$/.test(text)
}

const cut = (text: string) => text.slice(0, 100)
