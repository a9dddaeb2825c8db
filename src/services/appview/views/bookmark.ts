import type { Bookmark } from '../bookmarks/bookmarks.ts'
import type { Hydration } from '../read/hydrate.ts'
import { postOrStub } from './feed.ts'
import { type Json, quote } from './json.ts'

/** `app.bsky.bookmark.defs#bookmarkView`. */
export function bookmarkView(h: Hydration, { ref, cid, createdUs }: Bookmark): Json {
  const createdAt = new Date(Math.floor(createdUs / 1000)).toISOString()
  const subject = `{"uri":${quote(ref.uri)},"cid":${quote(cid)}}`
  return `{"subject":${subject},"createdAt":"${createdAt}","item":${postOrStub(h, ref, [])}}`
}
