import { type CidBytes, carBlockLength } from '#protocol/data'

const CID_BYTES = 36

/** Gathers the blocks of a CAR in large pieces: one copy of each, none of them an object. */
export class CarChunks {
  #bytes = new Uint8Array(0)
  #length = 0

  /** The header. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.byteLength)
    this.#put(bytes)
  }

  block(cid: CidBytes, bytes: Uint8Array): void {
    this.#begin(bytes.byteLength)
    this.#put(cid)
    this.#put(bytes)
  }

  /** A block whose CID stands before its bytes already. */
  whole(block: Uint8Array): void {
    this.#begin(block.byteLength - CID_BYTES)
    this.#put(block)
  }

  /** What was gathered, once it is at least so much. */
  take(leastBytes: number): Uint8Array | undefined {
    if (this.#length < leastBytes) return undefined
    const chunk = this.#bytes.subarray(0, this.#length)
    this.#bytes = new Uint8Array(0)
    this.#length = 0
    return chunk
  }

  #begin(contentBytes: number): void {
    this.#reserve(carBlockLength(contentBytes))
    // The length before a block, seven bits at a time, the lowest first.
    let left = CID_BYTES + contentBytes
    while (left >= 0x80) {
      this.#bytes[this.#length++] = (left & 0x7f) | 0x80
      left >>>= 7
    }
    this.#bytes[this.#length++] = left
  }

  #put(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.byteLength
  }

  #reserve(byteCount: number): void {
    if (this.#length + byteCount <= this.#bytes.byteLength) return
    const size = Math.max(ROOM_BYTES, 2 * this.#length, this.#length + byteCount)
    const grown = new Uint8Array(size)
    grown.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = grown
  }
}

/** Room of a chunk: what exports gather, and a block of common size more. */
const ROOM_BYTES = 144 * 1024
