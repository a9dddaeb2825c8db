import type { Blob, LegacyBlob } from '@atcute/lexicons'
import type { Did } from '#protocol/syntax'

/** Where clients fetch pictures and films from: an image service, or this app view, which knows where the originals are (see ../images). */
export interface MediaUrls {
  image(preset: ImagePreset, did: Did, blob: Blob | LegacyBlob): string
  video(did: Did, blob: Blob | LegacyBlob): string
}

export const IMAGE_PRESETS = ['avatar', 'banner', 'feed_thumbnail', 'feed_fullsize'] as const
export type ImagePreset = (typeof IMAGE_PRESETS)[number]

/** `base` has no slash at its end. */
export function mediaUrls(base: string): MediaUrls {
  return {
    image: (preset, did, blob) => `${base}/img/${preset}/plain/${did}/${blobCid(blob)}@webp`,
    video: (did, blob) => `${base}/video/plain/${did}/${blobCid(blob)}`,
  }
}

/** The CID of a blob reference as text, also of the form used before 2023. */
export function blobCid(blob: Blob | LegacyBlob): string {
  return '$type' in blob ? blob.ref.$link : blob.cid
}
