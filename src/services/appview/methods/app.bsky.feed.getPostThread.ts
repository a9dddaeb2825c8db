import { mainSchema } from '@atcute/bluesky/types/app/feed/getPostThread'
import { type Method, XrpcError } from '#protocol/xrpc'
import { allOf, readMethod } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'
import { gateView } from '../views/feed.ts'
import { member } from '../views/json.ts'
import { threadView } from '../views/thread.ts'

/** A post with what it answers above and what answers it below. Blocks are shown as gaps. */
export function getPostThread({
  actors,
  auth,
  hydrator,
  resolver,
  threads,
  visitors,
}: Pick<ReadParts, 'actors' | 'auth' | 'hydrator' | 'resolver' | 'threads' | 'visitors'>): Method {
  return readMethod(mainSchema, {
    auth: auth.optional,
    actors,
    stages: {
      async skeleton({ uri, depth, parentHeight }) {
        await visitors.post(uri)
        const post = await resolver.post(uri)
        const thread = post && (await threads.around(post.key, { depth, parentHeight }))
        if (thread === undefined) throw notFound(uri)
        return thread
      },
      async hydrate({ anchor, ancestors, replies }, viewer) {
        const keys = [anchor, ...ancestors, ...[...replies.values()].flat()]
        return hydrator.page(viewer, keys, { context: true })
      },
      // A thread keeps its shape: who is blocked leaves a gap, which present writes.
      rules: allOf,
      present(thread, h, { uri }) {
        const view = threadView(h, thread)
        if (view === undefined) throw notFound(uri)
        const gate = gateView(h, h.posts.get(thread.root))
        return `{"thread":${view}${member('threadgate', gate)}}`
      },
    },
  })
}

function notFound(uri: string): XrpcError {
  return new XrpcError(400, 'NotFound', `Post not found: ${uri}`)
}
