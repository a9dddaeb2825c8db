/** Pictures made small enough to send, in the browser: nothing is uploaded that need not be. */

/** What the lexicon takes for one image (app.bsky.embed.images). */
export const maxImageBytes = 1_000_000
export const maxImages = 4
const maxSide = 2000

export interface Picture {
  blob: Blob
  width: number
  height: number
  /** An object URL for showing it; the owner revokes it. */
  preview: string
  alt: string
  id: number
}

/** The picture could not be read, or could not be made small enough. */
export class PictureError extends Error {
  override name = 'PictureError'
}

let made = 0

/**
 * Reads an image file and makes it fit: re-encoded (which also drops where and when it was taken),
 * sides within 2,000 px, below 1 MB. Lowers the quality first, then the size.
 */
export async function preparePicture(file: Blob): Promise<Picture> {
  const bitmap = await createImageBitmap(file, { imageOrientation: 'from-image' }).catch(() => {
    throw new PictureError('unreadable')
  })
  try {
    const { blob, width, height } = await fit(bitmap)
    return { blob, width, height, preview: URL.createObjectURL(blob), alt: '', id: ++made }
  } finally {
    bitmap.close()
  }
}

async function fit(bitmap: ImageBitmap) {
  let scale = Math.min(1, maxSide / Math.max(bitmap.width, bitmap.height))
  for (let round = 0; round < 6; round++) {
    const canvas = draw(bitmap, scale)
    for (const quality of [0.9, 0.8, 0.68]) {
      const blob = await canvas.convertToBlob({ type: 'image/jpeg', quality })
      if (blob.size < maxImageBytes) return { blob, width: canvas.width, height: canvas.height }
    }
    scale *= 0.75
  }
  throw new PictureError('too big')
}

function draw(bitmap: ImageBitmap, scale: number): OffscreenCanvas {
  const width = Math.max(1, Math.round(bitmap.width * scale))
  const height = Math.max(1, Math.round(bitmap.height * scale))
  const canvas = new OffscreenCanvas(width, height)
  const pen = canvas.getContext('2d')
  if (!pen) throw new PictureError('unreadable')
  // JPEG has no transparency; white is what people expect behind a drawing.
  pen.fillStyle = '#ffffff'
  pen.fillRect(0, 0, width, height)
  pen.imageSmoothingQuality = 'high'
  pen.drawImage(bitmap, 0, 0, width, height)
  return canvas
}
