import { mainSchema } from '@atcute/bluesky/types/app/actor/getProfile'
import { invalidRequest, type Method, XrpcError } from '#protocol/xrpc'
import { allOf, readMethod } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'
import { profileDetailed, subscribed } from '../views/actor.ts'

/** One account in detail. A taken down or deactivated one is named as such. */
export function getProfile({
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
      async skeleton({ actor }) {
        const aid = await resolver.knownAid(actor)
        const account = (await actors.load([aid], { hidden: true })).get(aid)
        if (account?.status !== undefined) throw hiddenAccount(account.status)
        return aid
      },
      async hydrate(aid, viewer) {
        const accounts = await hydrator.accounts(viewer, [aid])
        const told = await subscriptions.of(viewer?.aid ?? 0)
        return { accounts, counts: await actors.counts([aid]), told }
      },
      rules: allOf,
      present(aid, { accounts, counts, told }) {
        const actor = accounts.actors.get(aid)
        if (actor === undefined) throw invalidRequest('Profile not found')
        const relation = subscribed(actor, accounts.relations.get(aid), told.get(aid))
        return profileDetailed(actor, relation, counts.get(aid)!)
      },
    },
  })
}

function hiddenAccount(status: string): XrpcError {
  if (status === 'deactivated')
    return new XrpcError(400, 'AccountDeactivated', 'Account is deactivated')
  if (status === 'takendown' || status === 'suspended')
    return new XrpcError(400, 'AccountTakedown', 'Account has been suspended')
  return invalidRequest('Profile not found')
}
