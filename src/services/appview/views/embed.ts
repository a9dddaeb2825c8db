import type {
  AppBskyEmbedExternal,
  AppBskyEmbedGallery,
  AppBskyEmbedImages,
  AppBskyEmbedVideo,
  AppBskyFeedPost,
} from '@atcute/bluesky'
import type { Did } from '#protocol/syntax'
import { blobCid, type MediaUrls } from './images.ts'
import { type Json, member, quote, textMember } from './json.ts'

/** An embed as far as it can be written without looking at other records. */
export interface Embed {
  /** View of images, gallery, video or external, typed. */
  media: Json | undefined
  /** AT-URI of the embedded record. */
  record: string | undefined
}

/** More items than this a gallery may hold but clients do not show. */
const GALLERY_ITEMS_MAX = 10

/** Reads the embed of a post; undefined when there is none, or none we know. */
export function embedOf(
  embed: AppBskyFeedPost.Main['embed'],
  did: Did,
  urls: MediaUrls,
): Embed | undefined {
  switch (embed?.$type) {
    case 'app.bsky.embed.record':
      return { media: undefined, record: embed.record.uri }
    case 'app.bsky.embed.recordWithMedia': {
      const media = mediaView(embed.media, did, urls)
      return media === undefined ? undefined : { media, record: embed.record.record.uri }
    }
    default: {
      const media = mediaView(embed, did, urls)
      return media === undefined ? undefined : { media, record: undefined }
    }
  }
}

/** Which sorts of media an embed holds: for feed filters. */
export function mediaKinds(embed: AppBskyFeedPost.Main['embed']): {
  images: boolean
  video: boolean
} {
  const media = embed?.$type === 'app.bsky.embed.recordWithMedia' ? embed.media : embed
  const type = media?.$type
  return {
    images: type === 'app.bsky.embed.images' || type === 'app.bsky.embed.gallery',
    video: type === 'app.bsky.embed.video',
  }
}

function mediaView(
  media: { $type?: string } | undefined,
  did: Did,
  urls: MediaUrls,
): Json | undefined {
  switch (media?.$type) {
    case 'app.bsky.embed.images':
      return imagesView(media as AppBskyEmbedImages.Main, did, urls)
    case 'app.bsky.embed.gallery':
      return galleryView(media as AppBskyEmbedGallery.Main, did, urls)
    case 'app.bsky.embed.video':
      return videoView(media as AppBskyEmbedVideo.Main, did, urls)
    case 'app.bsky.embed.external':
      return externalView(media as AppBskyEmbedExternal.Main, did, urls)
    default:
      return undefined
  }
}

function imagesView(embed: AppBskyEmbedImages.Main, did: Did, urls: MediaUrls): Json {
  const images = embed.images.map(({ image, alt, aspectRatio }) => ({
    thumb: urls.image('feed_thumbnail', did, image),
    fullsize: urls.image('feed_fullsize', did, image),
    alt,
    aspectRatio,
  }))
  return quote({ $type: 'app.bsky.embed.images#view', images })
}

function galleryView(embed: AppBskyEmbedGallery.Main, did: Did, urls: MediaUrls): Json {
  const items = embed.items
    .filter((item) => item.$type === 'app.bsky.embed.gallery#image')
    .slice(0, GALLERY_ITEMS_MAX)
    .map(({ image, alt, aspectRatio }) => ({
      $type: 'app.bsky.embed.gallery#viewImage',
      thumbnail: urls.image('feed_thumbnail', did, image),
      fullsize: urls.image('feed_fullsize', did, image),
      alt,
      aspectRatio,
    }))
  return quote({ $type: 'app.bsky.embed.gallery#view', items })
}

function videoView(embed: AppBskyEmbedVideo.Main, did: Did, urls: MediaUrls): Json {
  const { video, alt, aspectRatio, presentation } = embed
  return quote({
    $type: 'app.bsky.embed.video#view',
    cid: blobCid(video),
    playlist: urls.video(did, video),
    alt,
    aspectRatio,
    presentation,
  })
}

function externalView(embed: AppBskyEmbedExternal.Main, did: Did, urls: MediaUrls): Json {
  const { uri, title, description, thumb, associatedRefs } = embed.external
  const external =
    `{"uri":${quote(uri)},"title":${quote(title)},"description":${quote(description)}` +
    textMember('thumb', thumb && urls.image('feed_thumbnail', did, thumb)) +
    member('associatedRefs', associatedRefs && quote(associatedRefs)) +
    '}'
  return `{"$type":"app.bsky.embed.external#view","external":${external}}`
}
