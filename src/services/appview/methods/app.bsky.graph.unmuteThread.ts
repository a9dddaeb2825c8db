import { mainSchema } from '@atcute/bluesky/types/app/graph/unmuteThread'
import { invalidRequest, type Method, procedure } from '#protocol/xrpc'
import type { ReadParts } from '../parts.ts'

/** The viewer wants to hear of a thread again, and of what was said in it meanwhile. */
export function unmuteThread({
  auth,
  resolver,
  threadMutes,
}: Pick<ReadParts, 'auth' | 'resolver' | 'threadMutes'>): Method {
  return procedure(mainSchema, {
    auth: auth.required,
    async handle({ input, caller }) {
      const root = await resolver.postName(input.root)
      if (root === undefined) throw invalidRequest('A thread is named by the post it began with')
      await threadMutes.remove(caller.did, root)
    },
  })
}
