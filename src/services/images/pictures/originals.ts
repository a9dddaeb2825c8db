import type { Fetch } from '#platform/runtime'
import { verifyCid } from '#protocol/crypto'
import { parseCid } from '#protocol/data'
import { type Directory, identityOf } from '#protocol/identity'
import type { Did } from '#protocol/syntax'
import { imageType } from './sniff.ts'

export interface OriginalsParts {
  directory: Directory
  fetch: Fetch
  bytesMax: number
}

/** A blob nobody shows: unknown account, no such blob, not a picture. */
export class NotShown extends Error {
  override readonly name = 'NotShown'
}

const FETCH_TIMEOUT_MS = 15_000

/** The pictures at their accounts' hosts. */
export class Originals {
  readonly #parts: OriginalsParts

  constructor(parts: OriginalsParts) {
    this.#parts = parts
  }

  /** Bytes of a picture, checked against its CID. Errors: NotShown; anything else is the host's failure. */
  async get(did: Did, cid: string): Promise<Uint8Array> {
    const { fetch, bytesMax } = this.#parts
    const limits = { maxResponseBytes: bytesMax + 1, timeoutMs: FETCH_TIMEOUT_MS }
    const response = await fetch(await this.url(did, cid), limits)
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
  async url(did: Did, cid: string): Promise<string> {
    const document = await this.#parts.directory.document(did)
    const host = document && identityOf(document).pds
    if (host === undefined) throw new NotShown('The account has no host')
    const query = new URLSearchParams({ did, cid })
    return `${host}/xrpc/com.atproto.sync.getBlob?${query}`
  }
}
