import { mainSchema } from '@atcute/bluesky/types/app/bookmark/createBookmark'
import { type Method, procedure } from '#protocol/xrpc'
import type { ReadParts } from '../parts.ts'

/** Puts a post aside for the viewer. Errors: UnsupportedCollection, TooManyBookmarks. */
export function createBookmark({ auth, bookmarks }: Pick<ReadParts, 'auth' | 'bookmarks'>): Method {
  return procedure(mainSchema, {
    auth: auth.required,
    handle: ({ input, caller }) => bookmarks.add(caller.did, input.uri, input.cid),
  })
}
