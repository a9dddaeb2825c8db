import { mainSchema } from '@atcute/bluesky/types/app/feed/searchPostsV2'
import type { AtIdentifier, Did } from '#protocol/syntax'
import { type Method, type ParamsOf, query, XrpcError } from '#protocol/xrpc'
import { fillPage, respond, revOf } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'
import type { Hydration, Viewer } from '../read/hydrate.ts'
import { PostFilter } from '../search/post-filter.ts'
import { listable, postView } from '../views/feed.ts'
import { arrayOf, cursorMember } from '../views/json.ts'

type Parts = Pick<ReadParts, 'actors' | 'auth' | 'hydrator' | 'resolver' | 'search'>
type Params = ParamsOf<typeof mainSchema>

/** Everything, where filters alone are asked for. */
const ALL = '*'
const PAGING = new Set(['cursor', 'limit', 'sort', 'allTime', 'queryLanguage', 'query'])

/**
 * Posts by words and filters. The search service is asked for what it can tell apart itself, one
 * value of each sort; alternatives and exceptions are judged here, so a page may be short, and its
 * cursor goes on. Errors: BadQueryString.
 */
export function searchPostsV2(parts: Parts): Method {
  const { actors, auth, hydrator } = parts
  return query(mainSchema, {
    auth: auth.optional,
    async handle({ params, caller }) {
      checkParams(params, caller)
      const rev = await revOf(actors, caller)
      const [filter, isAnybody] = await filterOf(parts, params)
      let hitsTotal: number | undefined
      const { items, cursor } = await fillPage({ ...params, limit: params.limit }, async (page) => {
        if (!isAnybody) return { items: [], cursor: undefined }
        const found = await parts.search.posts({
          ...skeletonOf(params, filter),
          ...page,
          viewer: caller?.did,
        })
        hitsTotal ??= found.hitsTotal
        const keys = await keysOf(parts, found.hits)
        const h = await hydrator.page(caller, keys, { context: true })
        const views = keys.filter((key) => isShown(h, key, filter)).map((key) => postView(h, key))
        return { items: views.filter((view) => view !== undefined), cursor: found.cursor }
      })
      const total = hitsTotal === undefined ? '' : `,"hitsTotal":${hitsTotal}`
      return respond(`{"posts":${arrayOf(items)}${total}${cursorMember(cursor)}}`, rev)
    },
  })
}

function checkParams(params: Params, viewer: Viewer | undefined): void {
  const isFiltered = Object.entries(params).some(
    ([name, value]) => !PAGING.has(name) && value !== undefined && value !== false,
  )
  if (!params.query?.trim() && !isFiltered) throw badQuery('a query or a filter is needed')
  if (params.excludeReplies && params.repliesOnly)
    throw badQuery('excludeReplies and repliesOnly leave nothing')
  if (params.following && (viewer === undefined || viewer.isNobody))
    throw badQuery('nobody is signed in who follows anybody')
}

function badQuery(message: string): XrpcError {
  return new XrpcError(400, 'BadQueryString', message)
}

function isShown(h: Hydration, key: string, filter: PostFilter): boolean {
  const post = h.posts.get(key)
  if (post === undefined || !listable(h, post)) return false
  const isFollowed = h.relations.get(post.aid)?.following !== undefined
  return filter.matches(post, h.actors.get(post.aid)!.did, isFollowed)
}

/** What is judged here, with accounts as DIDs; and whether anybody asked for is known at all. */
async function filterOf(parts: Parts, params: Params): Promise<[PostFilter, boolean]> {
  const [authors, mentions, excludeAuthors, excludeMentions] = await Promise.all(
    [params.authors, params.mentions, params.excludeAuthors, params.excludeMentions].map((list) =>
      didsOf(parts, list ?? []),
    ),
  )
  const filter = new PostFilter({
    ...params,
    authors: authors!,
    mentions: mentions!,
    excludeAuthors: excludeAuthors!,
    excludeMentions: excludeMentions!,
  })
  const isKnown = (asked: readonly unknown[] | undefined, found: readonly Did[]) =>
    asked === undefined || asked.length === 0 || found.length > 0
  return [filter, isKnown(params.authors, authors!) && isKnown(params.mentions, mentions!)]
}

async function didsOf({ actors, resolver }: Parts, names: readonly AtIdentifier[]): Promise<Did[]> {
  const aids = await Promise.all(names.map((name) => resolver.aid(name)))
  const found = await actors.load(new Set(aids.filter((aid) => aid !== undefined)))
  return [...found.values()].map(({ did }) => did)
}

/** The question to the search service: what holds of every post that is wanted. */
function skeletonOf(params: Params, { authors, mentions }: PostFilter) {
  const only = <T>(list: readonly T[] | undefined) => (list?.length === 1 ? list[0] : undefined)
  const tag = only(params.hashtags)
  return {
    q: params.query?.trim() || ALL,
    sort: params.sort === 'top' ? 'top' : 'latest',
    author: only([...authors]),
    mentions: only([...mentions]),
    domain: only(params.domains),
    url: only(params.urls),
    lang: only(params.languages),
    since: params.since,
    until: params.until,
    ...(tag === undefined ? {} : { tag: [tag] }),
  }
}

async function keysOf(
  { actors }: Parts,
  hits: readonly { did: Did; rkey: string }[],
): Promise<string[]> {
  const aids = await Promise.all(hits.map(({ did }) => actors.aidOf(did)))
  return hits.flatMap(({ rkey }, i) => (aids[i] === undefined ? [] : `${aids[i]}/${rkey}`))
}
