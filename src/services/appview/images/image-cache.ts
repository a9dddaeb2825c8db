/** Pictures in memory, by CID, up to a number of bytes; the ones unused for longest go first. */
export interface CachedImage {
  type: string
  bytes: Uint8Array
}

export class ImageCache {
  readonly #maxBytes: number
  readonly #images = new Map<string, CachedImage>()
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  get(cid: string): CachedImage | undefined {
    const image = this.#images.get(cid)
    if (image === undefined) return undefined
    this.#images.delete(cid)
    this.#images.set(cid, image)
    return image
  }

  set(cid: string, image: CachedImage): void {
    if (image.bytes.length > this.#maxBytes || this.#images.has(cid)) return
    this.#images.set(cid, image)
    this.#bytes += image.bytes.length
    for (const [oldest, { bytes }] of this.#images) {
      if (this.#bytes <= this.#maxBytes) return
      this.#images.delete(oldest)
      this.#bytes -= bytes.length
    }
  }
}
