import { mainSchema } from '@atcute/bluesky/types/app/graph/getRelationships'
import { type Method, noAuth, XrpcError } from '#protocol/xrpc'
import { allOf, readMethod } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'
import type { Relation } from '../read/relations.ts'
import type { Actor } from '../views/actor.ts'
import { arrayOf, type Json, quote } from '../views/json.ts'

/** How one account stands to others: public follows and blocks, whoever asks. */
export function getRelationships({
  actors,
  relations,
  resolver,
}: Pick<ReadParts, 'actors' | 'relations' | 'resolver'>): Method {
  return readMethod(mainSchema, {
    auth: noAuth,
    actors,
    stages: {
      async skeleton({ actor, others = [] }) {
        const aid = await resolver.aid(actor)
        if (aid === undefined) throw new XrpcError(400, 'ActorNotFound', 'Actor not found')
        return { aid, others: await Promise.all(others.map((other) => resolver.aid(other))) }
      },
      async hydrate({ aid, others }) {
        const known = others.filter((other) => other !== undefined)
        const accounts = await actors.load([aid, ...known])
        const self = accounts.get(aid)
        if (self === undefined) throw new XrpcError(400, 'ActorNotFound', 'Actor not found')
        return { self, accounts, relations: await relations.load(self, accounts) }
      },
      rules: allOf,
      present(skeleton, h, { others = [] }) {
        const views = skeleton.others.map((aid, i) => {
          const account = aid === undefined ? undefined : h.accounts.get(aid)
          if (account === undefined) return notFoundActor(others[i]!)
          return relationship(h.self, account, h.relations.get(aid!)!)
        })
        return `{"actor":"${h.self.did}","relationships":${arrayOf(views)}}`
      },
    },
  })
}

function relationship(self: Actor, other: Actor, relation: Relation): Json {
  const uri = (did: string, collection: string, rkey: string | undefined) =>
    rkey && `at://${did}/app.bsky.graph.${collection}/${rkey}`
  return quote({
    $type: 'app.bsky.graph.defs#relationship',
    did: other.did,
    following: uri(self.did, 'follow', relation.following),
    followedBy: uri(other.did, 'follow', relation.followedBy),
    blocking: uri(self.did, 'block', relation.blocking),
    blockedBy: uri(other.did, 'block', relation.blockedByRkey),
    blockingByList: uri(self.did, 'listblock', relation.lists?.blocking?.rkey),
    blockedByList: uri(other.did, 'listblock', relation.lists?.blockedBy?.rkey),
  })
}

function notFoundActor(actor: string): Json {
  return quote({ $type: 'app.bsky.graph.defs#notFoundActor', actor, notFound: true })
}
