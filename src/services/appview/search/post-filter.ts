import type { AppBskyFeedPost } from '@atcute/bluesky'
import type { Did } from '#protocol/syntax'
import { mediaKinds } from '../views/embed.ts'
import { mentionsOf, type Post } from '../views/post.ts'

/** Filters of a search, as `app.bsky.feed.searchPostsV2` has them. */
export interface Filters {
  authors: readonly Did[]
  mentions: readonly Did[]
  excludeAuthors: readonly Did[]
  excludeMentions: readonly Did[]
  domains?: readonly string[] | undefined
  urls?: readonly string[] | undefined
  embeddedAtUris?: readonly string[] | undefined
  hashtags?: readonly string[] | undefined
  languages?: readonly string[] | undefined
  excludeDomains?: readonly string[] | undefined
  excludeUrls?: readonly string[] | undefined
  excludeEmbeddedAtUris?: readonly string[] | undefined
  excludeHashtags?: readonly string[] | undefined
  excludeLanguages?: readonly string[] | undefined
  hasMedia?: boolean | undefined
  hasVideo?: boolean | undefined
  replyParentUri?: string | undefined
  threadRootUri?: string | undefined
  excludeReplies?: boolean | undefined
  repliesOnly?: boolean | undefined
  following?: boolean | undefined
}

/** Of each sort, any of those asked for and none of those excluded. */
export class PostFilter {
  readonly authors: ReadonlySet<Did>
  readonly mentions: ReadonlySet<Did>
  readonly #filters: Filters

  constructor(filters: Filters) {
    this.authors = new Set(filters.authors)
    this.mentions = new Set(filters.mentions)
    this.#filters = filters
  }

  matches(post: Post, author: Did, isFollowed: boolean): boolean {
    const f = this.#filters
    if (f.following && !isFollowed) return false
    if (!fits([author], f.authors, f.excludeAuthors)) return false
    const record = JSON.parse(post.record) as AppBskyFeedPost.Main
    if (!fits(mentionsOf(record), f.mentions, f.excludeMentions)) return false
    if (!this.#placed(record) || !this.#pictured(record)) return false
    const links = linksOf(record)
    const tags = tagsOf(record).map(folded)
    const languages = (record.langs ?? []).map(baseLanguage)
    return (
      fits(links.map(plainUrl), f.urls?.map(plainUrl), f.excludeUrls?.map(plainUrl)) &&
      fits(links.flatMap(domainsOf), f.domains?.map(folded), f.excludeDomains?.map(folded)) &&
      fits(tags, f.hashtags?.map(folded), f.excludeHashtags?.map(folded)) &&
      fits(languages, f.languages?.map(baseLanguage), f.excludeLanguages?.map(baseLanguage)) &&
      fits(post.embed?.record ? [post.embed.record] : [], f.embeddedAtUris, f.excludeEmbeddedAtUris)
    )
  }

  #placed({ reply }: AppBskyFeedPost.Main): boolean {
    const { excludeReplies, repliesOnly, replyParentUri, threadRootUri } = this.#filters
    if (reply === undefined) return !repliesOnly && !replyParentUri && !threadRootUri
    if (excludeReplies) return false
    if (replyParentUri !== undefined && reply.parent.uri !== replyParentUri) return false
    return threadRootUri === undefined || reply.root.uri === threadRootUri
  }

  #pictured({ embed }: AppBskyFeedPost.Main): boolean {
    const { hasMedia, hasVideo } = this.#filters
    const media = mediaKinds(embed)
    return (!hasVideo || media.video) && (!hasMedia || media.images || media.video)
  }
}

/** An empty list asks for nothing. */
function fits<T>(
  values: readonly T[],
  wanted: readonly T[] | undefined = [],
  excluded: readonly T[] | undefined = [],
): boolean {
  if (values.some((value) => excluded.includes(value))) return false
  return wanted.length === 0 || values.some((value) => wanted.includes(value))
}

const folded = (text: string) => text.toLowerCase().replace(/^[#＃]/u, '')
const baseLanguage = (tag: string) => tag.toLowerCase().split('-')[0]!
const plainUrl = (url: string) => url.replace(/\/$/, '')

function linksOf({ facets, embed }: AppBskyFeedPost.Main): string[] {
  const links: string[] = []
  for (const facet of facets ?? [])
    for (const feature of facet.features)
      if (feature.$type === 'app.bsky.richtext.facet#link') links.push(feature.uri)
  const media = embed?.$type === 'app.bsky.embed.recordWithMedia' ? embed.media : embed
  if (media?.$type === 'app.bsky.embed.external') links.push(media.external.uri)
  return links
}

function tagsOf({ facets, tags }: AppBskyFeedPost.Main): string[] {
  const found = [...(tags ?? [])]
  for (const facet of facets ?? [])
    for (const feature of facet.features)
      if (feature.$type === 'app.bsky.richtext.facet#tag') found.push(feature.tag)
  return found
}

/** A host and the domains above it: a link to a part of a site is a link to the site. */
function domainsOf(link: string): string[] {
  if (!URL.canParse(link)) return []
  const labels = new URL(link).hostname.split('.')
  return labels.slice(0, -1).map((_, i) => labels.slice(i).join('.'))
}
