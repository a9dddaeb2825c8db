/**
 * What a post is filtered by, as words of its own column: `lang:ar`, `tag:…`, `by:did:…`. Made here
 * for the index and for queries alike. None holds a space.
 */
import type { Did } from '#protocol/syntax'
import { wordsOf } from '../text/index.ts'

/** Characters of a facet that are kept; longer ones agree as far as that. */
const FACET_LENGTH_MAX = 300
/** Names below which a link is found: `a.b.example.com` also under `example.com`. */
const DOMAINS_MAX = 4

export const REPLY_FACET = 'is:reply'
export const QUOTE_FACET = 'is:quote'

export const authorFacet = (did: Did): string => `by:${did}`
export const mentionFacet = (did: Did): string => `to:${did}`

/** Languages a tag stands for, itself first: `pt-BR` is also `pt`. None when it is no language tag. */
export function languageFacets(tag: string): string[] {
  const lower = tag.toLowerCase()
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(lower)) return []
  const primary = lower.split('-')[0]!
  return primary === lower ? [`lang:${lower}`] : [`lang:${lower}`, `lang:${primary}`]
}

/** A hashtag without its `#`, folded as words are; undefined when no word is in it. */
export function tagFacet(tag: string): string | undefined {
  const words = wordsOf(tag)
  return words.length === 0 ? undefined : cut(`tag:${words.join('_')}`)
}

/** The name of a host as it is compared; undefined when it is none. */
export function domainFacet(domain: string): string | undefined {
  const url = parsed(`http://${domain.trim()}`)
  return url === undefined ? undefined : `domain:${hostOf(url)}`
}

/** An address as it is compared: without scheme, `www.`, fragment and closing slash. */
export function urlFacet(text: string): string | undefined {
  const url = parsed(text)
  if (url === undefined) return undefined
  const path = url.pathname.replace(/\/+$/, '')
  return cut(`url:${hostOf(url)}${path}${url.search}`)
}

/** What a link is found by: its address, its host, and the domains above that. */
export function linkFacets(text: string): string[] {
  const url = parsed(text)
  if (url === undefined) return []
  const labels = hostOf(url).split('.')
  const facets = [urlFacet(text)!]
  const isAddress = /^[\d.]+$|^\[/.test(url.hostname)
  for (let from = 0; from < Math.max(1, labels.length - 1) && from < DOMAINS_MAX; from++) {
    facets.push(`domain:${labels.slice(from).join('.')}`)
    if (isAddress) break
  }
  return facets
}

function parsed(text: string): URL | undefined {
  const url = URL.parse(text)
  const isWeb = url?.protocol === 'https:' || url?.protocol === 'http:'
  return isWeb && url.hostname !== '' && !/\s/.test(url.href) ? url : undefined
}

function hostOf({ hostname }: URL): string {
  return hostname.replace(/^www\.(?=.*\.)/, '').replace(/\.$/, '')
}

function cut(facet: string): string {
  return facet.slice(0, FACET_LENGTH_MAX).toWellFormed()
}
