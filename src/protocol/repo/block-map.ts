import { bytesKey, type CidBytes } from '#protocol/data'

/** Where blocks are read from, by CID. `undefined` when it is not there. */
export interface BlockSource {
  get(cid: CidBytes): Uint8Array | undefined
  /** Set when `get` only gives blocks whose hash was checked already; it is not done again then. */
  readonly verified?: boolean
}

/** Blocks in memory, each once, in order of insertion. */
export class BlockMap implements BlockSource {
  readonly #blocks = new Map<string, [cid: CidBytes, bytes: Uint8Array]>()
  #byteCount = 0

  /** Blocks already there are kept: a CID has one content. */
  add(cid: CidBytes, bytes: Uint8Array): void {
    const key = bytesKey(cid)
    if (this.#blocks.has(key)) return
    this.#blocks.set(key, [cid, bytes])
    this.#byteCount += bytes.length
  }

  get(cid: CidBytes): Uint8Array | undefined {
    return this.#blocks.get(bytesKey(cid))?.[1]
  }

  has(cid: CidBytes): boolean {
    return this.#blocks.has(bytesKey(cid))
  }

  get size(): number {
    return this.#blocks.size
  }

  /** Bytes of all contents, without the CIDs. */
  get byteCount(): number {
    return this.#byteCount
  }

  entries(): IterableIterator<[cid: CidBytes, bytes: Uint8Array]> {
    return this.#blocks.values()
  }

  [Symbol.iterator](): IterableIterator<[cid: CidBytes, bytes: Uint8Array]> {
    return this.#blocks.values()
  }
}
