import { mainSchema } from '@atcute/bluesky/types/app/graph/unmuteActor'
import { type Method, procedure } from '#protocol/xrpc'
import type { ReadParts } from '../parts.ts'

/** The viewer hears of an account again. */
export function unmuteActor({
  actors,
  auth,
  mutes,
  resolver,
}: Pick<ReadParts, 'actors' | 'auth' | 'mutes' | 'resolver'>): Method {
  return procedure(mainSchema, {
    auth: auth.required,
    async handle({ input, caller }) {
      const aid = await resolver.knownAid(input.actor)
      const { did } = (await actors.load([aid], { hidden: true })).get(aid)!
      await mutes.remove(caller.did, did)
    },
  })
}
