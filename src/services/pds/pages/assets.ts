/** The files that pages need: style, scripts, fonts. Named by their content, kept by browsers for ever. */
import { base64url, sha256 } from '#protocol/crypto'
import type { HttpRequest, HttpResponse } from '#protocol/xrpc'

/** Bytes by file name, as the composition reads them. */
export type PageFiles = ReadonlyMap<string, Uint8Array>

const FOLDER = '/account/assets/'
const TYPES: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
  woff2: 'font/woff2',
}

interface Asset {
  bytes: Uint8Array
  type: string
}

/** The files of pages, by the address that names their content. */
export class PageAssets {
  readonly #paths = new Map<string, string>()
  readonly #assets = new Map<string, Asset>()

  constructor(files: PageFiles) {
    // A style names fonts by their file: fonts first, so that it can name them by their content.
    const inOrder = [...files].toSorted(([a], [b]) => Number(isStyle(a)) - Number(isStyle(b)))
    for (const [name, bytes] of inOrder)
      this.#add(name, isStyle(name) ? this.#linked(bytes) : bytes)
  }

  #add(name: string, bytes: Uint8Array): void {
    const dot = name.lastIndexOf('.')
    const [stem, extension] = [name.slice(0, dot), name.slice(dot + 1)]
    const path = `${FOLDER}${stem}-${base64url(sha256(bytes)).slice(0, 12)}.${extension}`
    this.#paths.set(name, path)
    this.#assets.set(path, { bytes, type: TYPES[extension] ?? 'application/octet-stream' })
  }

  #linked(style: Uint8Array): Uint8Array {
    const text = new TextDecoder().decode(style)
    const linked = text.replaceAll(/url\("([^"]+)"\)/g, (whole, name: string) => {
      const path = this.#paths.get(name)
      return path ? `url("${path}")` : whole
    })
    return new TextEncoder().encode(linked)
  }

  /** Where a file is served; undefined on a host that was not given it. */
  path(name: string): string | undefined {
    return this.#paths.get(name)
  }

  /** The file at an address, or undefined when there is none. */
  answer({ method, path }: HttpRequest): HttpResponse | undefined {
    const asset = this.#assets.get(path)
    if (!asset || (method !== 'GET' && method !== 'HEAD')) return undefined
    const headers = {
      'content-type': asset.type,
      'cache-control': 'public, max-age=31536000, immutable',
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
    }
    return { status: 200, headers, body: asset.bytes }
  }
}

const isStyle = (name: string) => name.endsWith('.css')
