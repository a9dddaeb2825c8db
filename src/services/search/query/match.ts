/** From a query to the full-text expression that answers it. Pure. */
import type { Did } from '#protocol/syntax'
import {
  authorFacet,
  domainFacet,
  languageFacets,
  mentionFacet,
  type PostMatch,
  placeOfMs,
  QUOTE_FACET,
  REPLY_FACET,
  tagFacet,
  urlFacet,
} from '../records/index.ts'
import type { ParsedQuery } from './parse-query.ts'

/** A query whose accounts are known by DID. */
export interface Query extends Omit<ParsedQuery, 'authors' | 'mentions'> {
  authors: Did[]
  mentions: Did[]
}

const END = Number.MAX_SAFE_INTEGER

/**
 * The expression and the range of a query; undefined when nothing can answer it (no words and no
 * filters, or a filter that no post can pass).
 */
export function postMatchOf(query: Query): PostMatch | undefined {
  const facets = facetsOf(query)
  if (facets === undefined) return undefined
  const from = query.sinceMs === undefined ? 0 : placeOfMs(query.sinceMs)
  const before = query.untilMs === undefined ? END : placeOfMs(query.untilMs)
  const hasRange = query.sinceMs !== undefined || query.untilMs !== undefined
  const terms = [
    ...query.phrases.map((words) => `{text alt} : ${quoted(words.join(' '))}`),
    ...facets.map((facet) => `facets : ${quoted(facet)}`),
  ]
  if (terms.length === 0 && !query.wantsAll && !hasRange) return undefined
  return { match: terms.length === 0 ? undefined : terms.join(' AND '), from, before }
}

/** How many terms a query has, of all kinds: what it is limited by. */
export function termCount(query: ParsedQuery): number {
  const { phrases, authors, mentions, tags, langs, domains, urls } = query
  const lists = [authors, mentions, tags, langs, domains, urls]
  return phrases.flat().length + lists.reduce((sum, { length }) => sum + length, 0)
}

/** Undefined when one of them is none: then no post has it. */
function facetsOf(query: Query): string[] | undefined {
  const facets = [
    ...query.authors.map(authorFacet),
    ...query.mentions.map(mentionFacet),
    ...query.tags.map(tagFacet),
    ...query.langs.map((lang) => languageFacets(lang)[0]),
    ...query.domains.map(domainFacet),
    ...query.urls.map(urlFacet),
    ...(query.isReply ? [REPLY_FACET] : []),
    ...(query.isQuote ? [QUOTE_FACET] : []),
  ]
  return facets.includes(undefined) ? undefined : [...new Set(facets as string[])]
}

/** A string of the engine's query language: everything in it is a word. */
function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`
}
