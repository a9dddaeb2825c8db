import { createLru, type Fetch } from '#platform/runtime'
import { verifyCid } from '#protocol/crypto'
import { parseCid } from '#protocol/data'
import { type Directory, identityOf } from '#protocol/identity'
import type { Did } from '#protocol/syntax'
import { imageType } from './sniff.ts'

export interface OriginalsParts {
  directory: Directory
  fetch: Fetch
  now(): number
  bytesMax: number
}

/** A blob nobody shows: unknown account, no such blob, not a picture. */
export class NotShown extends Error {
  override readonly name = 'NotShown'
}

const FETCH_TIMEOUT_MS = 15_000
/** An identity is asked for again, as its host had no picture, at most once in this time. */
const ASK_AGAIN_MS = 60_000
const ASKED_MAX = 10_000

/** The pictures at their accounts' hosts. */
export class Originals {
  readonly #parts: OriginalsParts
  /** When the directory was asked again, by account. */
  readonly #asked = createLru<Did, number>({ maxEntries: ASKED_MAX })

  constructor(parts: OriginalsParts) {
    this.#parts = parts
  }

  /** Bytes of a picture, checked against its CID. Errors: NotShown; anything else is the host's failure. */
  async get(did: Did, cid: string): Promise<Uint8Array> {
    const url = await this.url(did, cid)
    try {
      return await this.#fetched(url, cid)
    } catch (error) {
      const now = await this.#urlNow(did, cid)
      if (now === undefined || now === url) throw error
      return await this.#fetched(now, cid)
    }
  }

  /** Nobody tells this service of moves: a host that does not have a picture is the sign. */
  async #urlNow(did: Did, cid: string): Promise<string | undefined> {
    const nowMs = this.#parts.now()
    if (nowMs - (this.#asked.get(did) ?? -ASK_AGAIN_MS) < ASK_AGAIN_MS) return undefined
    this.#asked.set(did, nowMs)
    return await this.url(did, cid, true).catch(() => undefined)
  }

  async #fetched(url: string, cid: string): Promise<Uint8Array> {
    const { fetch, bytesMax } = this.#parts
    const limits = { maxResponseBytes: bytesMax + 1, timeoutMs: FETCH_TIMEOUT_MS }
    const response = await fetch(url, limits)
    if (response.status >= 400 && response.status < 500) throw new NotShown('No such picture')
    if (!response.ok) throw new Error(`the host answered ${response.status}`)
    const bytes = new Uint8Array(await response.arrayBuffer())
    if (bytes.length > bytesMax) throw new NotShown('The picture is too large')
    if (!verifyCid(parseCid(cid), bytes))
      throw new Error('the host sent other bytes than the CID names')
    if (imageType(bytes) === undefined) throw new NotShown('Not a picture')
    return bytes
  }

  /** Where the account's host serves the blob. Errors: NotShown. */
  async url(did: Did, cid: string, fresh = false): Promise<string> {
    const document = await this.#parts.directory.document(did, { fresh })
    const host = document && identityOf(document).pds
    if (host === undefined) throw new NotShown('The account has no host')
    const query = new URLSearchParams({ did, cid })
    return `${host}/xrpc/com.atproto.sync.getBlob?${query}`
  }
}
