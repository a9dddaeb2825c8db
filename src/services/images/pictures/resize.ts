import type { Picture } from './memory.ts'
import type { Form } from './paths.ts'
import type { Box } from './presets.ts'

export interface ResizeLimits {
  pixelsMax: number
}

/** Bytes that begin like a picture and are none, or that unpack to more than is allowed. */
export class UnreadablePicture extends Error {
  override readonly name = 'UnreadablePicture'
}

/** One picture may take this long, whatever is in it. */
const SECONDS_MAX = 15

let loading: Promise<typeof import('sharp').default> | undefined

/** Loaded with the first picture: the library takes tens of megabytes. */
function library() {
  loading ??= import('sharp').then(({ default: sharp }) => {
    // Each picture takes one thread, and those of the process's pool are shared with the disk's work.
    sharp.concurrency(1)
    sharp.cache(false)
    return sharp
  })
  return loading
}

/**
 * The picture, upright, within the box, without what cameras write beside it (place, time, owner). It is
 * never made larger than it was; of a moving one the first frame stays. Errors: UnreadablePicture.
 */
export async function resized(
  source: Uint8Array,
  box: Box,
  form: Form,
  { pixelsMax }: ResizeLimits,
): Promise<Picture> {
  const sharp = await library()
  try {
    const picture = sharp(source, { limitInputPixels: pixelsMax, sequentialRead: true })
    const { width, height } = (await picture.metadata()).autoOrient
    picture
      .timeout({ seconds: SECONDS_MAX })
      .autoOrient()
      .resize({ ...within(box, width, height), withoutEnlargement: true })
    return { type: `image/${form}`, bytes: new Uint8Array(await encoded(picture, form)) }
  } catch (error) {
    throw new UnreadablePicture('The picture cannot be read', { cause: error })
  }
}

/** A box to be covered keeps its shape where the picture is smaller. */
function within({ width, height, fit }: Box, pictureWidth: number, pictureHeight: number): Box {
  if (fit === 'inside') return { width, height, fit }
  const scale = Math.min(1, pictureWidth / width, pictureHeight / height)
  const scaled = (length: number) => Math.max(1, Math.round(length * scale))
  return { width: scaled(width), height: scaled(height), fit }
}

function encoded(picture: import('sharp').Sharp, form: Form): Promise<Uint8Array> {
  switch (form) {
    case 'webp':
      return picture.webp({ quality: 80, effort: 0 }).toBuffer()
    case 'jpeg':
      return picture.flatten({ background: '#ffffff' }).jpeg({ quality: 80 }).toBuffer()
    case 'png':
      return picture.png({ compressionLevel: 6 }).toBuffer()
  }
}
