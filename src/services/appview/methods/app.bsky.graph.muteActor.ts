import { mainSchema } from '@atcute/bluesky/types/app/graph/muteActor'
import { invalidRequest, type Method, procedure } from '#protocol/xrpc'
import type { ReadParts } from '../parts.ts'

/** The viewer does not want to hear of an account. Errors: TooManyMutes. */
export function muteActor({
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
      if (did === caller.did) throw invalidRequest('Cannot mute oneself')
      await mutes.add(caller.did, did)
    },
  })
}
