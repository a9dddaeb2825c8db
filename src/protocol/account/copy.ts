/** The parts of a move that copy: repository, blobs, preferences. Each may be repeated. */
import {
  ComAtprotoRepoImportRepo,
  ComAtprotoRepoListMissingBlobs,
  ComAtprotoRepoUploadBlob,
  ComAtprotoServerCheckAccountStatus,
  ComAtprotoSyncGetBlob,
  ComAtprotoSyncGetRepo,
  ComAtprotoSyncListBlobs,
} from '@atcute/atproto'
import { cidForRaw } from '#protocol/crypto'
import { cidText } from '#protocol/data'
import type { Did } from '#protocol/syntax'
import { type XrpcClient, XrpcError } from '#protocol/xrpc'
import { type HostedHead, readHead } from './head.ts'
import { isUnknownMethod } from './session.ts'

const CAR = 'application/vnd.ipld.car'
const BLOB_BYTES_MAX = 200_000_000
const BLOBS_AT_ONCE = 8
/** Tries for one blob before it counts as missing. */
const BLOB_TRIES = 3
/** Where a client cannot send a stream, the repository passes through its memory. */
const BUFFERED_REPO_BYTES_MAX = 500_000_000

export interface Hosts {
  did: Did
  source: XrpcClient
  destination: XrpcClient
  /** Told of bytes as they pass. */
  moved?: ((byteCount: number) => void) | undefined
}

/** Copies the whole repository; the destination verifies it. Returns the head that was copied. */
export async function copyRepo(hosts: Hosts, streamUploads: boolean): Promise<HostedHead> {
  const { did, source, destination } = hosts
  const head = await readHead(source, did)
  const schema = ComAtprotoSyncGetRepo.mainSchema
  const body = streamUploads
    ? counted((await source.getStream(schema, { did })).body, hosts.moved)
    : await source.getBytes(schema, { did }, { maxBytes: BUFFERED_REPO_BYTES_MAX })
  if (body instanceof Uint8Array) hosts.moved?.(body.byteLength)
  const importRepo = ComAtprotoRepoImportRepo.mainSchema
  await destination.post(importRepo, { encoding: CAR, body } as never)
  return head
}

/** The same bytes, told of as they pass. */
export async function* counted(
  body: AsyncIterable<Uint8Array>,
  moved: ((byteCount: number) => void) | undefined,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    moved?.(chunk.byteLength)
    yield chunk
  }
}

/** Counts of what has arrived: `done` of `total` blobs. */
export interface BlobCount {
  done: number
  total: number
}

/**
 * Brings every blob the new host misses, each checked against its CID, a few at once. Yields counts.
 * What the old host does not have (any more) is returned, not thrown.
 */
export async function* copyBlobs(hosts: Hosts): AsyncGenerator<BlobCount, string[]> {
  const { destination } = hosts
  const status = await destination.get(ComAtprotoServerCheckAccountStatus.mainSchema, {})
  const total = status.expectedBlobs
  let done = Math.min(status.importedBlobs, total)
  yield { done, total }
  const lost: string[] = []
  let cursor: string | undefined
  do {
    const schema = ComAtprotoRepoListMissingBlobs.mainSchema
    const page = await destination.get(schema, { limit: 500, cursor })
    const missing = page.blobs.map((blob) => blob.cid)
    for (let at = 0; at < missing.length; at += BLOBS_AT_ONCE) {
      const some = missing.slice(at, at + BLOBS_AT_ONCE)
      const copied = await Promise.all(some.map((cid) => copyBlob(hosts, cid)))
      lost.push(...some.filter((_, i) => !copied[i]))
      done += copied.filter(Boolean).length
      yield { done, total }
    }
    cursor = page.cursor
  } while (cursor !== undefined)
  return lost
}

/** False when the old host does not give the blob, or not the right bytes. */
export async function copyBlob(
  { did, source, destination, moved }: Hosts,
  cid: string,
): Promise<boolean> {
  for (let attempt = 1; ; attempt++) {
    try {
      const getBlob = ComAtprotoSyncGetBlob.mainSchema
      const { encoding, body, headers } = await source.getStream(getBlob, { did, cid })
      const bytes = await collect(counted(body, moved), BLOB_BYTES_MAX)
      const isWhole = bytes.byteLength === lengthIn(headers, bytes.byteLength)
      // Cut off on the way, perhaps: asked for again, and lost only when it stays so.
      if (!isWhole && attempt < BLOB_TRIES) continue
      if (!isWhole || cidText(cidForRaw(bytes)) !== cid) return false
      const uploadBlob = ComAtprotoRepoUploadBlob.mainSchema
      const { blob } = await destination.post(uploadBlob, { encoding, body: bytes } as never)
      const { size } = blob as { size?: number }
      if (size !== undefined && size !== bytes.byteLength) {
        throw new XrpcError(502, 'UpstreamFailure', `The new host took ${size} bytes of ${cid}`)
      }
      return true
    } catch (error) {
      if (isLost(error)) return false
      // Whoever was silent for long is told of, not waited for again.
      const isSilent = error instanceof XrpcError && error.status === 504
      if (isSilent || attempt === BLOB_TRIES) throw error
    }
  }
}

/** The length that a host says a blob has, where it says so of the bytes themselves. */
function lengthIn(headers: Headers, otherwise: number): number {
  const said = headers.get('content-length')
  return said === null || headers.has('content-encoding') ? otherwise : Number(said)
}

/** Whether a host says that it does not have a blob: by its name, or in words, as the reference does. */
function isLost(error: unknown): boolean {
  if (!(error instanceof XrpcError)) return false
  if (error.error === 'BlobNotFound' || error.status === 404) return true
  return error.status === 400 && /\bblob not found\b/i.test(error.message)
}

async function collect(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.byteLength
    if (size > maxBytes) throw new XrpcError(413, 'BlobTooLarge', 'A blob is too large to copy')
    chunks.push(chunk)
  }
  const bytes = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.byteLength
  }
  return bytes
}

/** Larger sets are not held in memory, and so not compared. */
const COMPARED_MAX = 500_000

/** Whether the new host lists every blob that the old one does; undefined for more than can be compared. */
export async function hasAllBlobs({
  did,
  source,
  destination,
}: Hosts): Promise<boolean | undefined> {
  const there = new Set<string>()
  try {
    for await (const cids of listBlobs(source, did)) {
      for (const cid of cids) there.add(cid)
      if (there.size > COMPARED_MAX) return undefined
    }
  } catch (error) {
    if (isUnknownMethod(error)) return undefined
    throw error
  }
  for await (const cids of listBlobs(destination, did)) for (const cid of cids) there.delete(cid)
  return there.size === 0
}

async function* listBlobs(host: XrpcClient, did: Did): AsyncGenerator<readonly string[]> {
  let cursor: string | undefined
  do {
    const page = await host.get(ComAtprotoSyncListBlobs.mainSchema, { did, limit: 1_000, cursor })
    yield page.cids
    cursor = page.cids.length === 0 ? undefined : page.cursor
  } while (cursor !== undefined)
}

/** Blobs that the new host's records mention and that are not there; the first 10,000. */
export async function missingBlobs({ destination }: Hosts): Promise<string[]> {
  const missing: string[] = []
  let cursor: string | undefined
  do {
    const schema = ComAtprotoRepoListMissingBlobs.mainSchema
    const page = await destination.get(schema, { limit: 500, cursor })
    missing.push(...page.blobs.map(({ cid }) => cid))
    cursor = page.cursor
  } while (cursor !== undefined && missing.length < 10_000)
  return missing
}
