import { mainSchema } from '@atcute/bluesky/types/app/feed/getLikes'
import type { Method } from '#protocol/xrpc'
import { hydratePeople, visiblePeople } from '../pages/people-page.ts'
import { readMethod } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'
import { profileView } from '../views/actor.ts'
import { arrayOf, cursorMember, quote, textMember } from '../views/json.ts'

/** Who liked a post, the last first. */
export function getLikes(
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
        const page = await edges.likers(post.aid, post.rkey, { cursor, limit })
        return { subject: post.aid, ...page }
      },
      hydrate: (people, viewer) => hydratePeople(parts, people, viewer),
      rules: visiblePeople,
      present({ ends, cursor }, h, { uri, cid }) {
        const likes = ends.map(({ aid, createdAt, sortUs }) => {
          const actor = profileView(h.actors.get(aid)!, h.relations.get(aid))
          const indexedAt = new Date(Math.floor(sortUs / 1000)).toISOString()
          return `{"actor":${actor},"createdAt":"${createdAt}","indexedAt":"${indexedAt}"}`
        })
        return `{"uri":${quote(uri)}${textMember('cid', cid)},"likes":${arrayOf(likes)}${cursorMember(cursor)}}`
      },
    },
  })
}
