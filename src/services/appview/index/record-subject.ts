import type { ComAtprotoRepoStrongRef } from '@atcute/atproto'
import { type Did, isAtUri, parseAtUri } from '#protocol/syntax'

/** Subjects of likes and reposts, in the short form that rows and counts use. */

const POST = 'app.bsky.feed.post'

/** A post's record key, or collection/rkey of another record; undefined when no DID names it. */
export function recordSubject(
  ref: ComAtprotoRepoStrongRef.Main,
): { did: Did; subject: string; cid: string } | undefined {
  if (!isAtUri(ref.uri)) return undefined
  const { authority, collection, rkey } = parseAtUri(ref.uri)
  if (!authority.startsWith('did:') || collection === undefined || rkey === undefined)
    return undefined
  const subject = collection === POST ? rkey : `${collection}/${rkey}`
  return { did: authority as Did, subject, cid: ref.cid }
}

/** The repost that a like or another repost names as what led to it. */
export function repostNamed(
  via: ComAtprotoRepoStrongRef.Main | undefined,
): { did: Did; rkey: string } | undefined {
  if (via === undefined || !isAtUri(via.uri)) return undefined
  const { authority, collection, rkey } = parseAtUri(via.uri)
  if (!authority.startsWith('did:') || collection !== 'app.bsky.feed.repost' || rkey === undefined)
    return undefined
  return { did: authority as Did, rkey }
}

/** Whether a subject is a post. */
export function isPostSubject(subject: string): boolean {
  return !subject.includes('/')
}

/** The AT-URI of a subject. */
export function subjectUri(did: string, subject: string): string {
  return isPostSubject(subject) ? `at://${did}/${POST}/${subject}` : `at://${did}/${subject}`
}
