import { mainSchema } from '@atcute/bluesky/types/app/actor/getProfiles'
import type { Method } from '#protocol/xrpc'
import { readMethod } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'
import { profileDetailed } from '../views/actor.ts'
import { arrayOf } from '../views/json.ts'

/** Several accounts in detail; those that are not there, or hidden, are left out. */
export function getProfiles({
  actors,
  auth,
  hydrator,
  resolver,
}: Pick<ReadParts, 'actors' | 'auth' | 'hydrator' | 'resolver'>): Method {
  return readMethod(mainSchema, {
    auth: auth.optional,
    actors,
    stages: {
      async skeleton(params) {
        const aids = await Promise.all(params.actors.map((actor) => resolver.aid(actor)))
        return [...new Set(aids)].filter((aid) => aid !== undefined)
      },
      async hydrate(aids, viewer) {
        const accounts = await hydrator.accounts(viewer, aids)
        return { accounts, counts: await actors.counts(aids) }
      },
      rules: (aids, { accounts }) => aids.filter((aid) => accounts.actors.has(aid)),
      present(aids, { accounts, counts }) {
        const profiles = aids.map((aid) =>
          profileDetailed(accounts.actors.get(aid)!, accounts.relations.get(aid), counts.get(aid)!),
        )
        return `{"profiles":${arrayOf(profiles)}}`
      },
    },
  })
}
