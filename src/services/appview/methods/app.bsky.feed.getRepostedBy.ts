import { mainSchema } from '@atcute/bluesky/types/app/feed/getRepostedBy'
import type { Method } from '#protocol/xrpc'
import { hydratePeople, profileViews, visiblePeople } from '../pages/people-page.ts'
import { readMethod } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'
import { cursorMember, quote, textMember } from '../views/json.ts'

/** Who reposted a post, the last first. */
export function getRepostedBy(
  parts: Pick<ReadParts, 'actors' | 'auth' | 'edges' | 'hydrator' | 'relations' | 'resolver'>,
): Method {
  const { actors, auth, edges, resolver } = parts
  return readMethod(mainSchema, {
    auth: auth.optional,
    actors,
    stages: {
      async skeleton({ uri, cursor, limit }) {
        const post = await resolver.post(uri)
        if (post === undefined) return { subject: 0, ends: [], cursor: undefined }
        const page = await edges.reposters(post.aid, post.rkey, { cursor, limit })
        return { subject: post.aid, ...page }
      },
      hydrate: (people, viewer) => hydratePeople(parts, people, viewer),
      rules: visiblePeople,
      present: ({ ends, cursor }, h, { uri, cid }) =>
        `{"uri":${quote(uri)}${textMember('cid', cid)},"repostedBy":${profileViews(ends, h)}${cursorMember(cursor)}}`,
    },
  })
}
