import { mainSchema } from '@atcute/bluesky/types/app/actor/getProfiles'
import type { Method } from '#protocol/xrpc'
import { readMethod } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'
import { profileDetailed, subscribed } from '../views/actor.ts'
import { arrayOf } from '../views/json.ts'

/** Several accounts in detail; those that are not there, or hidden, are left out. */
export function getProfiles({
  actors,
  auth,
  hydrator,
  resolver,
  subscriptions,
}: Pick<ReadParts, 'actors' | 'auth' | 'hydrator' | 'resolver' | 'subscriptions'>): Method {
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
        const told = await subscriptions.of(viewer?.aid ?? 0)
        return { accounts, counts: await actors.counts(aids), told }
      },
      rules: (aids, { accounts }) => aids.filter((aid) => accounts.actors.has(aid)),
      present(aids, { accounts, counts, told }) {
        const profiles = aids.map((aid) => {
          const actor = accounts.actors.get(aid)!
          const relation = subscribed(actor, accounts.relations.get(aid), told.get(aid))
          return profileDetailed(actor, relation, counts.get(aid)!)
        })
        return `{"profiles":${arrayOf(profiles)}}`
      },
    },
  })
}
