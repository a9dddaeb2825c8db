import { pack, SealError, type Sealer, unpack } from '#platform/runtime'
import { type Blobs, StorageError } from '#platform/storage'
import { createSha256 } from '#protocol/crypto'
import { type CidBytes, cidText, concatBytes, equalBytes } from '#protocol/data'
import type { KeptAccount } from './accounts.ts'
import { Damaged } from './packs.ts'

type Owner = Pick<KeptAccount, 'aid' | 'did'>

/** Sealed at once; pictures are mostly one piece. */
const PIECE_BYTES = 1024 * 1024
const PACKED = 1
const PLAIN = 0
const LENGTH_BYTES = 4

/** Files of accounts, by CID, in sealed pieces. */
export class KeptBlobs {
  readonly #store: Blobs

  constructor(store: Blobs) {
    this.#store = store
  }

  static key({ aid }: Pick<Owner, 'aid'>, cid: CidBytes): string {
    return `${aid}/blobs/${cidText(cid)}`
  }

  /** Keeps what has the hash that its CID says; its size. Undefined: it had another, nothing is kept. */
  async put(
    owner: Owner,
    sealer: Sealer,
    cid: CidBytes,
    body: AsyncIterable<Uint8Array>,
  ): Promise<number | undefined> {
    const hash = createSha256()
    let size = 0
    async function* heard() {
      for await (const chunk of body) {
        hash.update(chunk)
        size += chunk.length
        yield chunk
      }
    }
    const key = KeptBlobs.key(owner, cid)
    const staged = await this.#store.stage(sealed(sealer, key, heard()))
    if (!isHashOf(cid, hash.digest())) {
      await staged.discard()
      return undefined
    }
    await staged.commit(key)
    await this.#store.sync([key])
    return size
  }

  /** Missing ones are no error. */
  async remove(owner: Pick<Owner, 'aid'>, cids: readonly CidBytes[]): Promise<void> {
    await this.#store.delete(cids.map((cid) => KeptBlobs.key(owner, cid)))
  }

  /** What was kept, checked piece by piece and, at its end, against the CID. Throws Damaged. */
  async *read(owner: Owner, sealer: Sealer, cid: CidBytes): AsyncGenerator<Uint8Array> {
    const { aid } = owner
    const key = KeptBlobs.key(owner, cid)
    const found = await this.#store.get(key)
    if (!found) throw new Damaged(`blob ${cidText(cid)} is not in the store`, { aid })
    const hash = createSha256()
    try {
      for await (const piece of opened(sealer, key, found.body)) {
        hash.update(piece)
        yield piece
      }
    } catch (error) {
      const isOurs = error instanceof SealError || error instanceof StorageError
      if (!isOurs && !/ZSTD/.test(String((error as NodeJS.ErrnoException).code))) throw error
      throw new Damaged(`blob ${cidText(cid)}: ${(error as Error).message}`, { aid })
    }
    if (!isHashOf(cid, hash.digest()))
      throw new Damaged(`blob ${cidText(cid)} has another hash`, { aid })
  }
}

/** A CID ends with the hash. */
function isHashOf(cid: CidBytes, digest: Uint8Array): boolean {
  return equalBytes(cid.subarray(-digest.length), digest)
}

/** A piece cannot be moved to another place, left out, or be the last when it was not. */
const purpose = (key: string, at: number, isLast: boolean) => `${key} ${at}${isLast ? ' last' : ''}`

async function* sealed(
  sealer: Sealer,
  key: string,
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = []
  let length = 0
  let at = 0
  for await (const chunk of body) {
    parts.push(chunk)
    length += chunk.length
    if (length <= PIECE_BYTES) continue
    let whole = concatBytes(parts)
    for (; whole.length > PIECE_BYTES; whole = whole.subarray(PIECE_BYTES))
      yield await sealPiece(sealer, purpose(key, at++, false), whole.subarray(0, PIECE_BYTES))
    parts = [whole]
    length = whole.length
  }
  yield await sealPiece(sealer, purpose(key, at, true), concatBytes(parts))
}

async function sealPiece(sealer: Sealer, what: string, piece: Uint8Array): Promise<Uint8Array> {
  const packed = await pack(piece)
  const plain =
    packed.length < piece.length * 0.9
      ? concatBytes([Uint8Array.of(PACKED), packed])
      : concatBytes([Uint8Array.of(PLAIN), piece])
  const bytes = sealer.seal(plain, what)
  const length = new Uint8Array(LENGTH_BYTES)
  new DataView(length.buffer).setUint32(0, bytes.length)
  return concatBytes([length, bytes])
}

async function* opened(
  sealer: Sealer,
  key: string,
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let waiting: Uint8Array = new Uint8Array(0)
  let at = 0
  for await (const chunk of body) {
    waiting = concatBytes([waiting, chunk])
    for (let end = pieceEnd(waiting); end > 0 && end < waiting.length; end = pieceEnd(waiting)) {
      yield openPiece(sealer, purpose(key, at++, false), waiting.subarray(LENGTH_BYTES, end))
      waiting = waiting.slice(end)
    }
  }
  yield openPiece(sealer, purpose(key, at, true), waiting.subarray(LENGTH_BYTES))
}

/** Where the first piece ends; 0 when that is not known yet. */
function pieceEnd(bytes: Uint8Array): number {
  if (bytes.length < LENGTH_BYTES) return 0
  return LENGTH_BYTES + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
}

function openPiece(sealer: Sealer, what: string, bytes: Uint8Array): Uint8Array {
  const plain = sealer.open(bytes, what)
  const inner = plain.subarray(1)
  return plain[0] === PACKED ? unpack(inner, 2 * PIECE_BYTES) : inner
}
