/** Bytes of blobs at a standby: fetched, verified by their CID, on the disk before an entry counts. */

import type { Blobs } from '#platform/storage'
import { openSqliteReader } from '#platform/storage'
import { createSha256 } from '#protocol/crypto'
import { type CidBytes, cidText, equalBytes, makeCid, parseCid } from '#protocol/data'
import type { Did } from '#protocol/syntax'
import { fileName } from '../account-files/index.ts'
import { blobKey } from '../blobs/index.ts'
import type { Upstream } from './upstream.ts'

const RAW = 0x55
const DEADLINE_MS = 60 * 60 * 1000
const AT_ONCE = 8
const DELETED_AT_ONCE = 1_000

/** Bytes that came are not those that the CID names. */
export class WrongBytes extends Error {
  constructor(did: Did, cid: string) {
    super(`the first host sent other bytes than ${cid} of ${did} names`)
    this.name = 'WrongBytes'
  }
}

export class BlobCopies {
  readonly #blobs: Blobs
  readonly #upstream: Upstream
  readonly #underWay = new Map<string, Promise<boolean>>()
  /** Blobs that were fetched. */
  fetched = 0

  constructor(options: { blobs: Blobs; upstream: Upstream }) {
    this.#blobs = options.blobs
    this.#upstream = options.upstream
  }

  /** Resolves when these blobs are on the disk here; what the first host lacks as well is left out. */
  async require(did: Did, cids: readonly CidBytes[], signal: AbortSignal): Promise<void> {
    const waiting = [...cids]
    const work = async () => {
      for (let cid = waiting.pop(); cid; cid = waiting.pop()) await this.#one(did, cid, signal)
    }
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, cids.length) }, work))
  }

  /** Fetches one ahead of the entry that will speak of it. Never rejects. */
  ahead(did: string, cid: string, signal: AbortSignal): void {
    if (this.#underWay.size >= AT_ONCE) return
    try {
      this.#one(did as Did, parseCid(cid), signal).catch(() => {})
    } catch {
      // Not a CID: whoever needs it will say so.
    }
  }

  /** Every blob that an account's file has a row of. */
  async requireAll(did: Did, path: string, signal: AbortSignal): Promise<void> {
    const reader = openSqliteReader(path, { deadlineMs: DEADLINE_MS })
    let cids: CidBytes[]
    try {
      cids = reader.all<{ cid: CidBytes }>('SELECT cid FROM blobs').map(({ cid }) => cid)
    } finally {
      reader.close()
    }
    await this.require(did, cids, signal)
  }

  #one(did: Did, cid: CidBytes, signal: AbortSignal): Promise<boolean> {
    const key = blobKey(did, cid)
    const known = this.#underWay.get(key)
    if (known) return known
    const fetching = this.#fetch(did, cid, key, signal).finally(() => this.#underWay.delete(key))
    this.#underWay.set(key, fetching)
    return fetching
  }

  async #fetch(did: Did, cid: CidBytes, key: string, signal: AbortSignal): Promise<boolean> {
    if (await this.#blobs.has(key)) return true
    const body = await this.#upstream.blob(did, cidText(cid), signal)
    if (!body) return false
    const hash = createSha256()
    const staged = await this.#blobs.stage(hashed(body, hash))
    try {
      if (!equalBytes(makeCid(RAW, hash.digest()), cid)) throw new WrongBytes(did, cidText(cid))
      await staged.commit(key)
      await this.#blobs.sync([key])
      this.fetched++
      return true
    } finally {
      await staged.discard()
    }
  }

  /** Every blob of an account that is gone. */
  async erase(did: Did): Promise<void> {
    let keys: string[] = []
    for await (const key of this.#blobs.list(`${fileName(did)}/`)) {
      if (keys.push(key) < DELETED_AT_ONCE) continue
      await this.#blobs.delete(keys)
      keys = []
    }
    await this.#blobs.delete(keys)
  }
}

async function* hashed(
  body: AsyncIterable<Uint8Array>,
  hash: ReturnType<typeof createSha256>,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    hash.update(chunk)
    yield chunk
  }
}
