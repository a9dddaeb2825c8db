import type { Fetch, HttpRequest, HttpResponse, Log, Metrics } from '#platform/runtime'
import { verifyCid } from '#protocol/crypto'
import { parseCid } from '#protocol/data'
import { type Directory, identityOf } from '#protocol/identity'
import { type Did, isDid } from '#protocol/syntax'
import type { Actors } from '../read/actors.ts'
import { IMAGE_PRESETS } from '../views/images.ts'
import { type CachedImage, ImageCache } from './image-cache.ts'
import { imageType } from './sniff.ts'

export interface ImagesParts {
  actors: Actors
  directory: Directory
  fetch: Fetch
  metrics: Metrics
  log: Log
  cacheBytes: number
  imageBytesMax: number
}

const IMAGE_PATH = new RegExp(
  `^/img/(?:${IMAGE_PRESETS.join('|')})/plain/([^/]+)/([a-z0-9]+)(?:@(?:jpeg|png|webp))?$`,
)
const VIDEO_PATH = /^\/video\/plain\/([^/]+)\/([a-z0-9]+)$/
const FETCH_TIMEOUT_MS = 15_000
/** Fetches under way at once; more are told to come back. */
const FETCHES_MAX = 64
/** Clients may keep a picture for a day: as long as a taken down one may still be seen. */
const MAX_AGE_SECONDS = 86_400

/** A blob nobody shows: unknown account, no such blob, not a picture. */
class NotShown extends Error {
  override readonly name = 'NotShown'
}

/**
 * Pictures of records: fetched from the account's host, checked against their CID, kept in memory
 * for a while, served as they are. All presets give the same bytes: nothing is resized here.
 */
export class Images {
  readonly #parts: ImagesParts
  readonly #cache: ImageCache
  readonly #fetching = new Map<string, Promise<CachedImage>>()
  readonly #answers

  constructor(parts: ImagesParts) {
    this.#parts = parts
    this.#cache = new ImageCache(parts.cacheBytes)
    this.#answers = parts.metrics.counter('appview_images', 'Pictures asked for', ['outcome'])
    parts.metrics.gauge('appview_image_cache_bytes', 'Pictures kept', [], () => this.#cache.bytes)
  }

  /** Answers `/img/…` and `/video/…`; undefined for other paths. */
  handle(request: HttpRequest): Promise<HttpResponse> | undefined {
    const image = IMAGE_PATH.exec(request.path)
    if (image !== null) return this.#answer(request, () => this.#image(request, image))
    const video = VIDEO_PATH.exec(request.path)
    if (video !== null) return this.#answer(request, () => this.#video(video))
    return undefined
  }

  async #answer(request: HttpRequest, make: () => Promise<HttpResponse>): Promise<HttpResponse> {
    if (request.method !== 'GET' && request.method !== 'HEAD') return plain(405, 'GET or HEAD')
    try {
      const response = await make()
      return request.method === 'HEAD' ? { ...response, body: undefined } : response
    } catch (error) {
      const isMissing = error instanceof NotShown
      this.#answers.with(isMissing ? 'missing' : 'failed').add()
      if (isMissing) return plain(404, error.message)
      this.#parts.log.debug('picture could not be fetched', { path: request.path, error })
      return plain(502, 'The host of this picture did not answer')
    }
  }

  async #image(request: HttpRequest, [, account, cid]: RegExpExecArray): Promise<HttpResponse> {
    const did = await this.#shownDid(account!)
    const etag = `"${cid}"`
    if (request.headers['if-none-match'] === etag) return { status: 304, headers: { etag } }
    const known = this.#cache.get(cid!)
    this.#answers.with(known ? 'cached' : 'fetched').add()
    if (known === undefined && this.#fetching.size >= FETCHES_MAX)
      return plain(503, 'Too many pictures are being fetched', { 'retry-after': '1' })
    const { type, bytes } = known ?? (await this.#fetchOnce(did, cid!))
    return { status: 200, headers: { ...headersOf(type), etag }, body: bytes }
  }

  /** Films are not transcoded: the player is sent to the host's own copy. */
  async #video([, account, cid]: RegExpExecArray): Promise<HttpResponse> {
    const did = await this.#shownDid(account!)
    const location = blobUrl(await this.#hostOf(did), did, cid!)
    return { status: 302, headers: { location, 'access-control-allow-origin': '*' } }
  }

  /** Only accounts of the index that may be shown: this is no proxy for everything. */
  async #shownDid(account: string): Promise<Did> {
    const did = decoded(account)
    const aid = isDid(did) ? await this.#parts.actors.aidOf(did) : undefined
    if (aid === undefined || !(await this.#parts.actors.load([aid])).has(aid))
      throw new NotShown('No such account')
    return did as Did
  }

  #fetchOnce(did: Did, cid: string): Promise<CachedImage> {
    const key = `${did} ${cid}`
    const running = this.#fetching.get(key)
    if (running !== undefined) return running
    const fetching = this.#fetch(did, cid).finally(() => this.#fetching.delete(key))
    this.#fetching.set(key, fetching)
    return fetching
  }

  async #fetch(did: Did, text: string): Promise<CachedImage> {
    const cid = parsedCid(text)
    const limits = { maxResponseBytes: this.#parts.imageBytesMax, timeoutMs: FETCH_TIMEOUT_MS }
    const url = blobUrl(await this.#hostOf(did), did, text)
    const response = await this.#parts.fetch(url, limits)
    if (response.status >= 400 && response.status < 500) throw new NotShown('No such picture')
    if (!response.ok) throw new Error(`the host answered ${response.status}`)
    const bytes = new Uint8Array(await response.arrayBuffer())
    if (bytes.length > this.#parts.imageBytesMax) throw new NotShown('The picture is too large')
    if (!verifyCid(cid, bytes)) throw new Error('the host sent other bytes than the CID names')
    const type = imageType(bytes)
    if (type === undefined) throw new NotShown('Not a picture')
    const image = { type, bytes }
    this.#cache.set(text, image)
    return image
  }

  async #hostOf(did: Did): Promise<string> {
    const document = await this.#parts.directory.document(did)
    const host = document && identityOf(document).pds
    if (host === undefined) throw new NotShown('The account has no host')
    return host
  }
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

function parsedCid(text: string): Uint8Array {
  try {
    return parseCid(text)
  } catch {
    throw new NotShown('Not a CID')
  }
}

function blobUrl(host: string, did: Did, cid: string): string {
  return `${host}/xrpc/com.atproto.sync.getBlob?did=${encodeURIComponent(did)}&cid=${cid}`
}

/** Bytes of strangers: never sniffed, never run, whatever a browser makes of them. */
function headersOf(type: string): Record<string, string> {
  return {
    'content-type': type,
    'cache-control': `public, max-age=${MAX_AGE_SECONDS}`,
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; sandbox",
    'cross-origin-resource-policy': 'cross-origin',
    'access-control-allow-origin': '*',
  }
}

function plain(status: number, text: string, more: Record<string, string> = {}): HttpResponse {
  const headers = {
    'content-type': 'text/plain; charset=utf-8',
    'access-control-allow-origin': '*',
  }
  return { status, headers: { ...headers, ...more }, body: `${text}\n` }
}
