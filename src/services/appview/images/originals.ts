import type { HttpRequest, HttpResponse } from '#platform/runtime'
import { type Directory, identityOf } from '#protocol/identity'
import { type Did, isDid } from '#protocol/syntax'
import type { Actors } from '../read/actors.ts'
import { IMAGE_PRESETS } from '../views/images.ts'

export interface OriginalsParts {
  actors: Actors
  directory: Directory
}

const MEDIA_PATH = new RegExp(
  `^/(?:img/(?:${IMAGE_PRESETS.join('|')})|video)/plain/([^/]+)/([a-z2-7]{1,100})(?:@(?:jpeg|png|webp))?$`,
)

/**
 * Pictures and films where no image service is: the client is sent to the account's host, which has the
 * original. Only for accounts that may be shown.
 */
export class Originals {
  readonly #parts: OriginalsParts

  constructor(parts: OriginalsParts) {
    this.#parts = parts
  }

  /** Answers `/img/…` and `/video/…`; undefined for other paths. */
  handle({ method, path }: HttpRequest): Promise<HttpResponse> | HttpResponse | undefined {
    const media = MEDIA_PATH.exec(path)
    if (media === null) return undefined
    if (method !== 'GET' && method !== 'HEAD') return plain(405, 'GET or HEAD')
    return this.#answer(decoded(media[1]!), media[2]!)
  }

  async #answer(account: string, cid: string): Promise<HttpResponse> {
    const { actors, directory } = this.#parts
    const aid = isDid(account) ? await actors.aidOf(account) : undefined
    if (aid === undefined || !(await actors.load([aid])).has(aid))
      return plain(404, 'No such account')
    const document = await directory.document(account as Did)
    const host = document && identityOf(document).pds
    if (host === undefined) return plain(404, 'The account has no host')
    const location = `${host}/xrpc/com.atproto.sync.getBlob?${new URLSearchParams({ did: account, cid })}`
    return { status: 302, headers: { location, 'access-control-allow-origin': '*' } }
  }
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

function plain(status: number, text: string): HttpResponse {
  const headers = {
    'content-type': 'text/plain; charset=utf-8',
    'access-control-allow-origin': '*',
  }
  return { status, headers, body: `${text}\n` }
}
