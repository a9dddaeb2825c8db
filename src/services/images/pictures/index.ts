import type { HttpRequest, HttpResponse, Log, Metrics } from '#platform/runtime'
import { type KeptPicture, PictureMemory } from './memory.ts'
import { NotShown, type Originals } from './originals.ts'
import { type FilmRequest, type PictureRequest, pictureRequest } from './paths.ts'
import { PRESETS } from './presets.ts'
import { resized, UnreadablePicture } from './resize.ts'
import type { Shelf } from './shelf.ts'
import type { ShownAccounts } from './shown.ts'
import { TooManyWaiting, Turns } from './turns.ts'

export { Originals } from './originals.ts'
export { Shelf } from './shelf.ts'
export { ShownAccounts } from './shown.ts'

export interface PicturesParts {
  originals: Originals
  shelf: Shelf
  shown: ShownAccounts
  now(): number
  metrics: Metrics
  log: Log
  memoryBytes: number
  pixelsMax: number
  atOnce: number
}

/** Fetches and makings that may wait; more are told to come back. */
const WAITING_MAX = 64
/** Fetched for making at a time: originals wait in memory for their turn. */
const FETCHES_AT_ONCE = 16
/** Clients may keep a picture for a day: as long as a taken down one may still be seen. */
const MAX_AGE_SECONDS = 86_400
/** A kept picture is looked for at its host again after this long. */
const CHECK_MS = MAX_AGE_SECONDS * 1000

/** Answers for pictures: from memory, from the shelf, or fetched from the host and made to size. */
export class Pictures {
  readonly #parts: PicturesParts
  readonly #memory: PictureMemory
  readonly #fetches = new Turns(FETCHES_AT_ONCE, WAITING_MAX)
  readonly #makings: Turns
  readonly #running = new Map<string, Promise<KeptPicture>>()
  readonly #answers

  constructor(parts: PicturesParts) {
    const { metrics, memoryBytes, atOnce, shelf } = parts
    this.#parts = parts
    this.#memory = new PictureMemory(memoryBytes)
    this.#makings = new Turns(atOnce, WAITING_MAX)
    this.#answers = metrics.counter('images_answers', 'Pictures asked for', ['outcome'])
    metrics.gauge('images_memory_bytes', 'Pictures in memory', [], () => this.#memory.bytes)
    metrics.gauge('images_shelf_bytes', 'Pictures on the shelf', [], () => shelf.bytes)
    metrics.gauge('images_waiting', 'Pictures whose turn has not come', [], () => {
      return this.#fetches.waiting + this.#makings.waiting
    })
  }

  /** Answers `/img/…` and `/video/…`; undefined for other paths. */
  handle(request: HttpRequest): Promise<HttpResponse> | HttpResponse | undefined {
    const wanted = pictureRequest(request.path)
    if (wanted === undefined) return undefined
    if (request.method !== 'GET' && request.method !== 'HEAD') return plain(405, 'GET or HEAD')
    if (wanted === 'malformed') return plain(404, 'No such picture')
    return this.#answer(request, wanted)
  }

  async #answer(request: HttpRequest, wanted: PictureRequest | FilmRequest): Promise<HttpResponse> {
    try {
      const { did } = wanted
      if (!(await this.#parts.shown.has(did))) throw new NotShown('No such account')
      const response =
        wanted.kind === 'film' ? await this.#film(wanted) : await this.#picture(request, wanted)
      return request.method === 'HEAD' ? { ...response, body: undefined } : response
    } catch (error) {
      return this.#failure(error, request.path)
    }
  }

  #failure(error: unknown, path: string): HttpResponse {
    if (error instanceof TooManyWaiting) {
      this.#answers.with('busy').add()
      return plain(503, error.message, { 'retry-after': '1' })
    }
    if (error instanceof NotShown || error instanceof UnreadablePicture) {
      this.#answers.with('missing').add()
      return plain(404, error.message)
    }
    this.#answers.with('failed').add()
    this.#parts.log.debug('picture could not be fetched', { path, error })
    return plain(502, 'The host of this picture did not answer')
  }

  /** Films are not transcoded: the player is sent to the host's own copy. */
  async #film({ did, cid }: FilmRequest): Promise<HttpResponse> {
    const location = await this.#parts.originals.url(did, cid)
    return { status: 302, headers: { location, 'access-control-allow-origin': '*' } }
  }

  async #picture({ headers }: HttpRequest, wanted: PictureRequest): Promise<HttpResponse> {
    const etag = `"${wanted.preset}-${wanted.cid}-${wanted.form}"`
    const { type, bytes } = await this.#once(wanted)
    if (headers['if-none-match'] === etag) return { status: 304, headers: { etag } }
    return { status: 200, headers: { ...headersOf(type), etag }, body: bytes }
  }

  /** What many ask for at the same time is fetched and made once. */
  #once(wanted: PictureRequest): Promise<KeptPicture> {
    const name = nameOf(wanted)
    const running = this.#running.get(name)
    if (running !== undefined) return running
    const making = this.#find(name, wanted).finally(() => this.#running.delete(name))
    this.#running.set(name, making)
    return making
  }

  async #find(name: string, wanted: PictureRequest): Promise<KeptPicture> {
    const remembered = this.#memory.get(name)
    const kept = remembered ?? (await this.#parts.shelf.get(name))
    const picture = kept
      ? await this.#stillThere(name, kept, wanted)
      : await this.#make(name, wanted)
    this.#answers.with(kept ? 'kept' : 'made').add()
    if (picture !== remembered) this.#memory.set(name, picture)
    return picture
  }

  async #make(name: string, { did, cid, preset, form }: PictureRequest): Promise<KeptPicture> {
    const { originals, pixelsMax, now, shelf, log } = this.#parts
    const original = await this.#fetches.take(() => originals.get(did, cid))
    const made = await this.#makings.take(() =>
      resized(original, PRESETS[preset], form, { pixelsMax }),
    )
    const picture = { ...made, checkedMs: now() }
    // A shelf that takes nothing (a full disk) makes pictures slower, and fails none.
    await shelf.set(name, picture).catch((error) => log.warn('picture was not kept', { error }))
    return picture
  }

  /** Once a day it is asked for again; a host that is away takes nothing from anybody. */
  async #stillThere(
    name: string,
    kept: KeptPicture,
    { did, cid }: PictureRequest,
  ): Promise<KeptPicture> {
    const { originals, shelf, now } = this.#parts
    if (now() - kept.checkedMs < CHECK_MS) return kept
    try {
      await this.#fetches.take(() => originals.get(did, cid))
    } catch (error) {
      if (!(error instanceof NotShown)) return kept
      this.#memory.delete(name)
      await shelf.delete(name)
      throw error
    }
    const checkedMs = now()
    await shelf.checked(name, checkedMs)
    return { ...kept, checkedMs }
  }
}

/** Of the account too: what one account may no longer show is not shown by another's leave. */
function nameOf({ preset, did, cid, form }: PictureRequest): string {
  return `${preset}/${did.replaceAll('%', '~')}/${cid}.${form}`
}

/** Made of the bytes of strangers: never sniffed, never run, whatever a browser makes of them. */
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
