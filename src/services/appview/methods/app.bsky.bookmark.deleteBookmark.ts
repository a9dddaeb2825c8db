import { mainSchema } from '@atcute/bluesky/types/app/bookmark/deleteBookmark'
import { type Method, procedure } from '#protocol/xrpc'
import type { ReadParts } from '../parts.ts'

/** Takes a post out of what the viewer put aside. Errors: UnsupportedCollection. */
export function deleteBookmark({ auth, bookmarks }: Pick<ReadParts, 'auth' | 'bookmarks'>): Method {
  return procedure(mainSchema, {
    auth: auth.required,
    handle: ({ input, caller }) => bookmarks.remove(caller.did, input.uri),
  })
}
