import { mainSchema } from '@atcute/bluesky/types/app/graph/getBlocks'
import type { Method } from '#protocol/xrpc'
import { profileViews } from '../pages/people-page.ts'
import { readMethod } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'
import { cursorMember } from '../views/json.ts'

/** Whom the viewer blocks, the last first. */
export function getBlocks({
  actors,
  auth,
  edges,
  hydrator,
}: Pick<ReadParts, 'actors' | 'auth' | 'edges' | 'hydrator'>): Method {
  return readMethod(mainSchema, {
    auth: auth.required,
    actors,
    stages: {
      skeleton: ({ cursor, limit }, viewer) => edges.blocks(viewer.aid, { cursor, limit }),
      hydrate: ({ ends }, viewer) =>
        hydrator.accounts(
          viewer,
          ends.map((end) => end.aid),
        ),
      rules: (page, h) => ({ ...page, ends: page.ends.filter(({ aid }) => h.actors.has(aid)) }),
      present: ({ ends, cursor }, h) =>
        `{"blocks":${profileViews(ends, h)}${cursorMember(cursor)}}`,
    },
  })
}
