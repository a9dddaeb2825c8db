import { mainSchema } from '@atcute/bluesky/types/app/feed/searchPosts'
import type { AtIdentifier, Did } from '#protocol/syntax'
import type { Method, ParamsOf } from '#protocol/xrpc'
import { readMethod } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'
import type { Viewer } from '../read/hydrate.ts'
import type { Hits } from '../search/search-service.ts'
import { postView, viewerBlocks } from '../views/feed.ts'
import { arrayOf, cursorMember } from '../views/json.ts'

type Parts = Pick<ReadParts, 'actors' | 'auth' | 'hydrator' | 'resolver' | 'search'>
type Params = ParamsOf<typeof mainSchema>

const NO_HITS: Hits<string> = { hits: [], cursor: undefined, hitsTotal: 0 }

/**
 * Posts the search service names, as this viewer may see them. A page is short when some of its hits
 * are gone or hidden; its cursor goes on all the same.
 */
export function searchPosts(parts: Parts): Method {
  const { actors, auth, hydrator } = parts
  return readMethod(mainSchema, {
    auth: auth.optional,
    actors,
    stages: {
      skeleton: (params, viewer) => findPosts(parts, params, viewer),
      hydrate: ({ hits }, viewer) => hydrator.page(viewer, hits, { context: true }),
      rules: (found, h) => ({
        ...found,
        hits: found.hits.filter(
          (key) => h.posts.has(key) && !viewerBlocks(h, h.posts.get(key)!.aid),
        ),
      }),
      present({ hits, cursor, hitsTotal }, h) {
        const views = hits.map((key) => postView(h, key)).filter((view) => view !== undefined)
        const total = hitsTotal === undefined ? '' : `,"hitsTotal":${hitsTotal}`
        return `{"posts":${arrayOf(views)}${total}${cursorMember(cursor)}}`
      },
    },
  })
}

/** Keys of the hits that are known here. */
async function findPosts(
  parts: Parts,
  params: Params,
  viewer: Viewer | undefined,
): Promise<Hits<string>> {
  const [author, mentions] = await Promise.all([
    params.author && didOf(parts, params.author),
    params.mentions && didOf(parts, params.mentions),
  ])
  // Somebody nobody has spoken of has written nothing and is mentioned nowhere.
  if ((params.author && !author) || (params.mentions && !mentions)) return NO_HITS
  const found = await parts.search.posts({
    ...params,
    author: author || undefined,
    mentions: mentions || undefined,
    viewer: viewer?.did,
  })
  const aids = await Promise.all(found.hits.map(({ did }) => parts.actors.aidOf(did)))
  const hits = found.hits.flatMap(({ rkey }, i) =>
    aids[i] === undefined ? [] : `${aids[i]}/${rkey}`,
  )
  return { ...found, hits }
}

async function didOf(
  { actors, resolver }: Pick<Parts, 'actors' | 'resolver'>,
  actor: AtIdentifier,
): Promise<Did | undefined> {
  const aid = await resolver.aid(actor)
  return aid === undefined ? undefined : (await actors.load([aid])).get(aid)?.did
}
