import { mainSchema } from '@atcute/bluesky/types/app/graph/muteActorList'
import { invalidRequest, type Method, procedure } from '#protocol/xrpc'
import type { ReadParts } from '../parts.ts'

/** The viewer does not want to hear of who is on a list. */
export function muteActorList({
  auth,
  mutes,
  resolver,
}: Pick<ReadParts, 'auth' | 'mutes' | 'resolver'>): Method {
  return procedure(mainSchema, {
    auth: auth.required,
    async handle({ input, caller }) {
      const key = await resolver.list(input.list)
      if (key === undefined) throw invalidRequest('List not found')
      await mutes.addList(caller.did, key)
    },
  })
}
