import { mainSchema } from '@atcute/bluesky/types/app/feed/getQuotes'
import { type Method, query } from '#protocol/xrpc'
import { fillPage, respond, revOf } from '../pages/pipeline.ts'
import type { ReadParts } from '../parts.ts'
import type { Hydration } from '../read/hydrate.ts'
import { blockBetween, isHeldBack, listable, postView } from '../views/feed.ts'
import { arrayOf, cursorMember, quote, textMember } from '../views/json.ts'
import type { Post } from '../views/post.ts'

/** Posts that quote a post, the newest first; with `cid` those that quote this version of it. */
export function getQuotes(
  parts: Pick<ReadParts, 'actors' | 'auth' | 'edges' | 'hydrator' | 'resolver' | 'visitors'>,
): Method {
  const { actors, auth, edges, hydrator, resolver, visitors } = parts
  return query(mainSchema, {
    auth: auth.optional,
    async handle({ params, caller }) {
      const rev = await revOf(actors, caller)
      const { uri, cid } = params
      await visitors.posts([uri])
      const quoted = await resolver.post(uri)
      const { items, cursor } = await fillPage(params, async (page) => {
        if (quoted === undefined) return { items: [], cursor: undefined }
        const found = await edges.quotes(quoted.aid, quoted.rkey, page)
        const h = await hydrator.page(caller, found.posts, { context: true })
        const shown = found.posts.filter((key) => isShown(h, h.posts.get(key), cid))
        const views = shown.map((key) => postView(h, key)).filter((view) => view !== undefined)
        return { items: views, cursor: found.cursor }
      })
      const body = `{"uri":${quote(uri)}${textMember('cid', cid)},"posts":${arrayOf(items)}${cursorMember(cursor)}}`
      return respond(body, rev)
    },
  })
}

/** Leaves out who has a block with the viewer or with whom it quotes, and what is under review. */
function isShown(h: Hydration, post: Post | undefined, cid: string | undefined): boolean {
  if (post?.quote === undefined || !listable(h, post) || isHeldBack(h, post)) return false
  if (blockBetween(h, post.aid, post.quote.aid)) return false
  return cid === undefined || quotedCid(post) === cid
}

function quotedCid({ record }: Post): string | undefined {
  const { embed } = JSON.parse(record)
  return embed?.record?.cid ?? embed?.record?.record?.cid
}
