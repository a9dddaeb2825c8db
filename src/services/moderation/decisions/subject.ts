import { type AtUri, type Did, isDid, parseAtUri } from '#protocol/syntax'
import { invalidRequest } from '#protocol/xrpc'

/** What reports and decisions are about: an account, or a record of one. */
export interface Subject {
  /** The DID, or the AT-URI. */
  key: string
  did: Did
  collection: string | undefined
  /** The version of the record that was meant. */
  cid: string | undefined
}

export type SubjectRef =
  | { $type: 'com.atproto.admin.defs#repoRef'; did: Did }
  | { $type: 'com.atproto.repo.strongRef'; uri: AtUri; cid: string }

/** Reads the subject of a call. Throws InvalidRequest for what is neither a DID nor a record's URI. */
export function readSubject(ref: {
  $type?: string
  did?: string
  uri?: string
  cid?: string
}): Subject {
  if (ref.$type === 'com.atproto.admin.defs#repoRef') return parseSubject(ref.did ?? '')
  return { ...parseSubject(ref.uri ?? ''), cid: ref.cid }
}

/** By its key alone. Throws InvalidRequest. */
export function parseSubject(key: string): Subject {
  if (isDid(key)) return { key, did: key, collection: undefined, cid: undefined }
  const { authority, collection, rkey } = parseAtUri(key)
  if (!isDid(authority)) throw invalidRequest('The URI of a subject begins with a DID')
  if (collection === undefined || rkey === undefined)
    throw invalidRequest('A subject is an account or a record')
  return {
    key: `at://${authority}/${collection}/${rkey}`,
    did: authority,
    collection,
    cid: undefined,
  }
}

/** As the lexicons name it. */
export function subjectRef(row: { key: string; did: string; cid: string | null }): SubjectRef {
  return row.key.startsWith('did:')
    ? { $type: 'com.atproto.admin.defs#repoRef', did: row.did as Did }
    : { $type: 'com.atproto.repo.strongRef', uri: row.key as AtUri, cid: row.cid ?? '' }
}
