import type { AppBskyFeedPost } from '@atcute/bluesky'
import type { Did } from '#protocol/syntax'
import { wordsOf } from '../text/index.ts'
import {
  authorFacet,
  languageFacets,
  linkFacets,
  mentionFacet,
  QUOTE_FACET,
  REPLY_FACET,
  tagFacet,
} from './facets.ts'

/** What of a post is searched: words of its text, of its alt texts, and what it is filtered by. */
export interface PostDocument {
  text: string
  alt: string
  facets: string
}

/** Alt texts have no length of their own in the lexicon. UTF-16 units, all of one post together. */
const ALT_LENGTH_MAX = 8_000
const FACETS_MAX = 100

/** Brings a post, checked against its lexicon, into the form that is indexed. */
export function postDocument(did: Did, post: AppBskyFeedPost.Main): PostDocument {
  const media = mediaOf(post.embed)
  const alt = altTexts(media).join(' ').slice(0, ALT_LENGTH_MAX).toWellFormed()
  const facets = new Set([authorFacet(did)])
  for (const facet of facetsOf(post, media)) if (facets.size < FACETS_MAX) facets.add(facet)
  return {
    text: wordsOf(post.text).join(' '),
    alt: alt === '' ? '' : wordsOf(alt).join(' '),
    facets: [...facets].join(' '),
  }
}

type Embed = NonNullable<AppBskyFeedPost.Main['embed']>
type Media = Exclude<Embed, { $type: 'app.bsky.embed.record' | 'app.bsky.embed.recordWithMedia' }>

function mediaOf(embed: Embed | undefined): Media | undefined {
  if (embed?.$type === 'app.bsky.embed.recordWithMedia') return embed.media as Media
  return embed?.$type === 'app.bsky.embed.record' ? undefined : embed
}

function altTexts(media: Media | undefined): string[] {
  switch (media?.$type) {
    case 'app.bsky.embed.images':
      return media.images.map((image) => image.alt)
    case 'app.bsky.embed.gallery':
      return media.items.flatMap((item) => ('alt' in item && item.alt ? [item.alt] : []))
    case 'app.bsky.embed.video':
      return media.alt === undefined ? [] : [media.alt]
    default:
      return []
  }
}

function* facetsOf(post: AppBskyFeedPost.Main, media: Media | undefined): Generator<string> {
  const type = post.embed?.$type
  if (post.reply !== undefined) yield REPLY_FACET
  if (type === 'app.bsky.embed.record' || type === 'app.bsky.embed.recordWithMedia')
    yield QUOTE_FACET
  for (const lang of post.langs ?? []) yield* languageFacets(lang)
  for (const tag of post.tags ?? []) yield* found(tagFacet(tag))
  if (media?.$type === 'app.bsky.embed.external') yield* linkFacets(media.external.uri)
  for (const { features } of post.facets ?? [])
    for (const feature of features) {
      if (feature.$type === 'app.bsky.richtext.facet#mention') yield mentionFacet(feature.did)
      else if (feature.$type === 'app.bsky.richtext.facet#link') yield* linkFacets(feature.uri)
      else if (feature.$type === 'app.bsky.richtext.facet#tag') yield* found(tagFacet(feature.tag))
    }
}

function found(facet: string | undefined): string[] {
  return facet === undefined ? [] : [facet]
}
