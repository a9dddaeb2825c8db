import { bytesKey, type CidBytes, equalBytes } from '#protocol/data'

/** Where blocks are read from, by CID. `undefined` when it is not there. */
export interface BlockSource {
  get(cid: CidBytes): Uint8Array | undefined
  /** Set when `get` only gives blocks whose hash was checked already; it is not done again then. */
  readonly verified?: boolean
}

/** Up to so many blocks it is cheaper to look at each than to make a string of a CID. */
const FEW = 24

/** CIDs begin alike and end differently. */
function isSame(left: CidBytes, right: CidBytes): boolean {
  const last = left.length - 1
  return left[last] === right[last] && equalBytes(left, right)
}

/** Blocks in memory, each once, in order of insertion. */
export class BlockMap implements BlockSource {
  readonly #blocks: [cid: CidBytes, bytes: Uint8Array][] = []
  /** By CID as a string, once there are more than a few. */
  #index: Map<string, Uint8Array> | undefined
  #byteCount = 0

  /** Blocks already there are kept: a CID has one content. */
  add(cid: CidBytes, bytes: Uint8Array): void {
    if (this.#index === undefined) {
      if (this.get(cid) !== undefined) return
      if (this.#blocks.length === FEW) this.#makeIndex().set(bytesKey(cid), bytes)
    } else {
      const key = bytesKey(cid)
      if (this.#index.has(key)) return
      this.#index.set(key, bytes)
    }
    this.#blocks.push([cid, bytes])
    this.#byteCount += bytes.length
  }

  #makeIndex(): Map<string, Uint8Array> {
    this.#index = new Map(this.#blocks.map(([cid, bytes]) => [bytesKey(cid), bytes]))
    return this.#index
  }

  get(cid: CidBytes): Uint8Array | undefined {
    if (this.#index !== undefined) return this.#index.get(bytesKey(cid))
    for (const block of this.#blocks) if (isSame(block[0], cid)) return block[1]
    return undefined
  }

  has(cid: CidBytes): boolean {
    return this.get(cid) !== undefined
  }

  get size(): number {
    return this.#blocks.length
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
