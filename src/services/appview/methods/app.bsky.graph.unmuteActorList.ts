import { mainSchema } from '@atcute/bluesky/types/app/graph/unmuteActorList'
import { invalidRequest, type Method, procedure } from '#protocol/xrpc'
import type { ReadParts } from '../parts.ts'

/** The viewer hears of who is on a list again. */
export function unmuteActorList({
  auth,
  mutes,
  resolver,
}: Pick<ReadParts, 'auth' | 'mutes' | 'resolver'>): Method {
  return procedure(mainSchema, {
    auth: auth.required,
    async handle({ input, caller }) {
      const key = await resolver.list(input.list)
      if (key === undefined) throw invalidRequest('List not found')
      await mutes.removeList(caller.did, key)
    },
  })
}
