import { mainSchema } from '@atcute/bluesky/types/app/unspecced/searchPostsSkeleton'
import type { Did } from '#protocol/syntax'
import { invalidRequest, noAuth, type ParamsOf, query } from '#protocol/xrpc'
import type { SearchParts } from '../parts.ts'
import {
  addSince,
  addUntil,
  type ParsedQuery,
  parseQuery,
  postMatchOf,
  termCount,
  withAccounts,
} from '../query/index.ts'
import { type PostHit, type PostMatch, RANKED_MAX } from '../records/index.ts'
import { badQuery, checkAccounts, checkLength, checkTerms } from './limits.ts'

type Params = ParamsOf<typeof mainSchema>
type Posts = SearchParts['posts']

/**
 * AT-URIs of posts. `latest` (the default) has every hit, the newest first, its cursor the last
 * hit's place in time; `top` has the best of the newest RANKED_MAX, its cursor an offset among the
 * posts there were when the first page was read. A query with nothing in it finds nothing.
 */
export const searchPostsSkeleton = ({
  posts,
  directory,
}: Pick<SearchParts, 'posts' | 'directory'>) =>
  query(mainSchema, {
    auth: noAuth,
    async handle({ params }) {
      const { viewer, limit, cursor } = params
      const found = await withAccounts(readQuery(params), viewer as Did | undefined, directory)
      const match = found && postMatchOf(found)
      if (match === undefined) return { posts: [], hitsTotal: 0 }
      const hitsTotal = cursor === undefined ? await posts.count(match) : undefined
      // Filters alone say nothing of better and worse.
      const page =
        params.sort === 'top' && match.match !== undefined && found!.phrases.length > 0
          ? await topPage(posts, { ...match, match: match.match }, limit, cursor)
          : await latestPage(posts, match, limit, cursor)
      return { posts: page.hits.map(uriOf), cursor: page.cursor, hitsTotal }
    },
  })

/** What the text asks for and the parameters add to it. Throws 400 BadQueryString. */
function readQuery(params: Params): ParsedQuery {
  const { q, since, until, author, mentions, lang, domain, url, tag } = params
  checkLength(q)
  const parsed = parseQuery(q)
  if (since !== undefined && !addSince(parsed, since)) throw badQuery('since is no date')
  if (until !== undefined && !addUntil(parsed, until)) throw badQuery('until is no date')
  if (author !== undefined) parsed.authors.push(author)
  if (mentions !== undefined) parsed.mentions.push(mentions)
  if (lang !== undefined) parsed.langs.push(lang)
  if (domain !== undefined) parsed.domains.push(domain)
  if (url !== undefined) parsed.urls.push(url)
  parsed.tags.push(...(tag ?? []))
  checkTerms(termCount(parsed))
  checkAccounts(parsed.authors.length + parsed.mentions.length)
  return parsed
}

interface Page {
  hits: PostHit[]
  cursor: string | undefined
}

async function latestPage(
  posts: Posts,
  match: PostMatch,
  limit: number,
  cursor: string | undefined,
): Promise<Page> {
  const [before = match.before] = readCursor(cursor, 1)
  const hits = await posts.latest({ ...match, before: Math.min(before, match.before) }, limit)
  const last = hits.length === limit ? hits.at(-1) : undefined
  return { hits, cursor: last && String(last.pid) }
}

async function topPage(
  posts: Posts,
  match: PostMatch & { match: string },
  limit: number,
  cursor: string | undefined,
): Promise<Page> {
  const [offset = 0, end = await posts.end()] = readCursor(cursor, 2)
  if (offset > RANKED_MAX) return { hits: [], cursor: undefined }
  const before = Math.min(end, match.before)
  const hits = await posts.best({ ...match, before }, { offset, limit })
  const next = hits.length === limit ? `${offset + limit}:${end}` : undefined
  return { hits, cursor: next }
}

/** Whole numbers with colons between; none for the first page. Throws 400 InvalidRequest. */
function readCursor(cursor: string | undefined, count: number): number[] {
  if (cursor === undefined) return []
  const parts = cursor.split(':')
  if (parts.length !== count || !parts.every((part) => /^\d{1,16}$/.test(part)))
    throw invalidRequest('Malformed cursor')
  return parts.map(Number)
}

function uriOf({ did, rkey }: PostHit) {
  return { uri: `at://${did as Did}/app.bsky.feed.post/${rkey}` as const }
}
