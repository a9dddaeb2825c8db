import { mainSchema } from '@atcute/bluesky/types/app/feed/getPosts'
import type { Method } from '#protocol/xrpc'
import { readMethod } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'
import { postView, viewerBlocks } from '../views/feed.ts'
import { arrayOf } from '../views/json.ts'

/** Up to 25 posts by AT-URI, in the order asked for; those that may not be shown are left out. */
export function getPosts({
  actors,
  auth,
  hydrator,
  resolver,
  visitors,
}: Pick<ReadParts, 'actors' | 'auth' | 'hydrator' | 'resolver' | 'visitors'>): Method {
  return readMethod(mainSchema, {
    auth: auth.optional,
    actors,
    stages: {
      async skeleton({ uris }) {
        await visitors.posts(uris)
        const posts = await Promise.all(uris.map((uri) => resolver.post(uri)))
        return [...new Set(posts.flatMap((post) => (post ? [post.key] : [])))]
      },
      hydrate: (keys, viewer) => hydrator.page(viewer, keys, { context: true }),
      rules: (keys, h) =>
        keys.filter((key) => h.posts.has(key) && !viewerBlocks(h, h.posts.get(key)!.aid)),
      present(keys, h) {
        const views = keys.map((key) => postView(h, key)).filter((view) => view !== undefined)
        return `{"posts":${arrayOf(views)}}`
      },
    },
  })
}
