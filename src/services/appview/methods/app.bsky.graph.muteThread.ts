import { mainSchema } from '@atcute/bluesky/types/app/graph/muteThread'
import { invalidRequest, type Method, procedure } from '#protocol/xrpc'
import type { ReadParts } from '../parts.ts'

/** The viewer does not want to hear of what is said in a thread. Errors: TooManyMutes. */
export function muteThread({
  auth,
  resolver,
  threadMutes,
}: Pick<ReadParts, 'auth' | 'resolver' | 'threadMutes'>): Method {
  return procedure(mainSchema, {
    auth: auth.required,
    async handle({ input, caller }) {
      const root = await resolver.postName(input.root)
      if (root === undefined) throw invalidRequest('A thread is named by the post it began with')
      await threadMutes.add(caller.did, root)
    },
  })
}
