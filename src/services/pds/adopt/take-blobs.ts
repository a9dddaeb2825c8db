import type { Blobs } from '#platform/storage'
import { createSha256 } from '#protocol/crypto'
import { type BlobRef, type CidBytes, equalBytes, makeCid, parseCid } from '#protocol/data'
import type { Did } from '#protocol/syntax'
import { blobKey } from '../blobs/index.ts'
import type { ReferenceBlob, StoreRows } from './reference-rows.ts'
import type { ReferenceSource, StoredBytes } from './reference-source.ts'

const RAW = 0x55
/** Blobs on their way at once. */
const AT_ONCE = 8
const PAGE = 200

export interface TakenBlob extends BlobRef {
  createdAt: string
  isMentioned: boolean
}

export interface BlobsTaken {
  count: number
  bytes: number
  /** Of those that records mention. */
  missing: string[]
}

/**
 * Copies an account's blobs, each by its hash; `keep` is told of those that are on the disk. Without `blobs`
 * they are only read. What is here already, whole, is not copied again.
 */
export async function takeBlobs(options: {
  did: Did
  source: ReferenceSource
  store: StoreRows
  blobs: Blobs | undefined
  keep(blobs: readonly TakenBlob[]): void
  onBytes(count: number): void
}): Promise<BlobsTaken> {
  const { did, store, blobs, keep } = options
  const taken: BlobsTaken = { count: 0, bytes: 0, missing: store.unknownBlobs() }
  for (let after = ''; ; ) {
    const page = store.blobs(after, PAGE)
    const here: TakenBlob[] = []
    for (let at = 0; at < page.length; at += AT_ONCE) {
      const some = page.slice(at, at + AT_ONCE)
      const sizes = await Promise.all(some.map((blob) => takeBlob(blob, options)))
      for (const [index, size] of sizes.entries()) {
        const { cid, mimeType, createdAt } = some[index]!
        const isMentioned = store.isMentioned(cid)
        if (size !== undefined) {
          here.push({ cid: parseCid(cid), mimeType, size, createdAt, isMentioned })
        } else if (isMentioned) taken.missing.push(cid)
      }
    }
    await blobs?.sync(here.map(({ cid }) => blobKey(did, cid)))
    keep(here)
    taken.count += here.length
    taken.bytes += here.reduce((sum, { size }) => sum + size, 0)
    if (page.length < PAGE) return taken
    after = page.at(-1)!.cid
  }
}

/** Its length; undefined when it is not there, or its bytes are not its own. */
async function takeBlob(
  blob: ReferenceBlob,
  options: {
    did: Did
    source: ReferenceSource
    blobs: Blobs | undefined
    onBytes(count: number): void
  },
): Promise<number | undefined> {
  const { did, source, blobs, onBytes } = options
  const cid = parseCid(blob.cid)
  const key = blobKey(did, cid)
  const known = await blobs?.get(key)
  if (known && (await isWhole(known, cid))) {
    onBytes(known.size)
    return known.size
  }
  for (const find of placesOf(blob, did, cid, source)) {
    const found = await find()
    if (!found) continue
    const size = await (blobs ? copy(found, cid, blobs, key) : verified(found, cid))
    if (size === undefined) continue
    onBytes(size)
    return size
  }
  return undefined
}

/** Where its bytes may lie, the likeliest first. */
function placesOf(
  { tempKey, takedownRef }: ReferenceBlob,
  did: Did,
  cid: CidBytes,
  source: ReferenceSource,
): (() => Promise<StoredBytes | undefined>)[] {
  const places = [() => source.blob(did, cid)]
  if (takedownRef !== null) places.unshift(() => source.quarantined(did, cid))
  if (tempKey !== null) places.unshift(() => source.waiting(did, tempKey))
  return places
}

async function isWhole(bytes: StoredBytes, cid: CidBytes): Promise<boolean> {
  return (await verified(bytes, cid)) !== undefined
}

async function verified({ body }: StoredBytes, cid: CidBytes): Promise<number | undefined> {
  const hashed = new Hashed(body)
  for await (const _ of hashed) {
    // Only read: its hash is what counts.
  }
  return hashed.isOf(cid) ? hashed.size : undefined
}

async function copy(
  { body }: StoredBytes,
  cid: CidBytes,
  blobs: Blobs,
  key: string,
): Promise<number | undefined> {
  const hashed = new Hashed(body)
  const staged = await blobs.stage(hashed)
  try {
    if (!hashed.isOf(cid)) return undefined
    await staged.commit(key)
    return hashed.size
  } finally {
    await staged.discard()
  }
}

/** Bytes that pass by, and their hash. */
class Hashed implements AsyncIterable<Uint8Array> {
  readonly #body: AsyncIterable<Uint8Array>
  readonly #hash = createSha256()
  size = 0

  constructor(body: AsyncIterable<Uint8Array>) {
    this.#body = body
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for await (const chunk of this.#body) {
      this.#hash.update(chunk)
      this.size += chunk.byteLength
      yield chunk
    }
  }

  /** When all has passed. */
  isOf(cid: CidBytes): boolean {
    return equalBytes(makeCid(RAW, this.#hash.digest()), cid)
  }
}
