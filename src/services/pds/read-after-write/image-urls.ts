import type { Did } from '#protocol/syntax'

export type ImagePreset = 'avatar' | 'banner' | 'feed_thumbnail' | 'feed_fullsize'

/** A blob in a record, as JSON has it. */
export interface JsonBlob {
  ref?: { $link?: string }
}

/** Where a picture of a record can be fetched: at the app view's own place, or from this host. */
export class ImageUrls {
  readonly #publicUrl: string
  readonly #pattern: string | undefined

  constructor(options: { publicUrl: string; cdnUrlPattern: string | undefined }) {
    this.#publicUrl = options.publicUrl
    this.#pattern = options.cdnUrlPattern
  }

  /** Undefined when the record has none. */
  of(preset: ImagePreset, did: Did, blob: JsonBlob | undefined): string | undefined {
    const cid = blob?.ref?.$link
    if (typeof cid !== 'string') return undefined
    if (this.#pattern === undefined) {
      const query = new URLSearchParams({ did, cid })
      return `${this.#publicUrl}/xrpc/com.atproto.sync.getBlob?${query}`
    }
    const values = [preset, did, cid]
    return this.#pattern.replaceAll('%s', () => values.shift() ?? '')
  }
}
