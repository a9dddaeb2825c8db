import { mainSchema } from '@atcute/bluesky/types/app/unspecced/getTrends'
import type { Method } from '#protocol/xrpc'
import { readMethod } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'
import type { Hydration } from '../read/hydrate.ts'
import type { Trend } from '../read/trends.ts'
import { profileBasic } from '../views/actor.ts'
import { viewerBlocks } from '../views/feed.ts'
import { arrayOf, type Json, quote } from '../views/json.ts'
import { tagLink } from '../views/tag.ts'

/** Accounts shown of one trend. */
const ACTORS_MAX = 5

/** What people talk about today, and who does. */
export function getTrends({
  actors,
  auth,
  hydrator,
  trends,
}: Pick<ReadParts, 'actors' | 'auth' | 'hydrator' | 'trends'>): Method {
  return readMethod(mainSchema, {
    auth: auth.optional,
    actors,
    stages: {
      skeleton: async ({ limit }) => (await trends.now()).slice(0, limit),
      hydrate: (found, viewer) =>
        hydrator.accounts(viewer, new Set(found.flatMap(({ authors }) => authors))),
      rules: (found, h) => found.filter((trend) => authorsOf(trend, h).length > 0),
      present: (found, h) => `{"trends":${arrayOf(found.map((trend) => trendView(trend, h)))}}`,
    },
  })
}

function authorsOf({ authors }: Trend, h: Hydration): number[] {
  const isShown = (aid: number) =>
    h.actors.has(aid) && !viewerBlocks(h, aid) && !h.relations.get(aid)?.muted
  return authors.filter(isShown).slice(0, ACTORS_MAX)
}

function trendView(trend: Trend, h: Hydration): Json {
  const { tag, posts, startedMs, isHot } = trend
  const people = authorsOf(trend, h).map((aid) =>
    profileBasic(h.actors.get(aid)!, h.relations.get(aid)),
  )
  return (
    `{"topic":${quote(tag)},"displayName":${quote(`#${tag}`)},"link":${quote(tagLink(tag))}` +
    `,"startedAt":"${new Date(startedMs).toISOString()}","postCount":${posts}` +
    `${isHot ? ',"status":"hot"' : ''},"actors":${arrayOf(people)}}`
  )
}
