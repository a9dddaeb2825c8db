/** A picture as it is served. */
export interface Picture {
  /** Media type. */
  type: string
  bytes: Uint8Array
}

/** A picture that was made, and when its host last had the original. */
export interface KeptPicture extends Picture {
  checkedMs: number
}

/** Pictures in memory, by name, up to a number of bytes; the ones unused for longest go first. */
export class PictureMemory {
  readonly #maxBytes: number
  readonly #pictures = new Map<string, KeptPicture>()
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  get(name: string): KeptPicture | undefined {
    const picture = this.#pictures.get(name)
    if (picture === undefined) return undefined
    this.#pictures.delete(name)
    this.#pictures.set(name, picture)
    return picture
  }

  set(name: string, picture: KeptPicture): void {
    this.delete(name)
    if (picture.bytes.length > this.#maxBytes) return
    this.#pictures.set(name, picture)
    this.#bytes += picture.bytes.length
    for (const oldest of this.#pictures.keys()) {
      if (this.#bytes <= this.#maxBytes) return
      this.delete(oldest)
    }
  }

  delete(name: string): void {
    this.#bytes -= this.#pictures.get(name)?.bytes.length ?? 0
    this.#pictures.delete(name)
  }
}
