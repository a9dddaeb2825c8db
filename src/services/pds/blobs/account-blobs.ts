import { type BlobRange, type Blobs, type Staged, StorageError } from '#platform/storage'
import { createSha256 } from '#protocol/crypto'
import { type BlobRef, type CidBytes, cidText, equalBytes, makeCid, parseCid } from '#protocol/data'
import type { Did } from '#protocol/syntax'
import { invalidRequest, XrpcError } from '#protocol/xrpc'
import {
  type AccountFile,
  type AccountFiles,
  fileName,
  type IdleBefore,
} from '../account-files/index.ts'
import type { Account } from '../accounts/index.ts'
import { Kind } from '../journal/index.ts'
import type { Repos } from '../repos/index.ts'
import { applyBlob, encodeBlobEntry } from './blob-entry.ts'
import { isMediaType, mediaTypeOf, SNIFF_BYTES } from './media-type.ts'

const RAW = 0x55
const SWEEP_COUNT = 1_000

/** What an upload says of itself. */
export interface UploadClaims {
  /** Media type; believed where the bytes do not say something else. */
  mimeType: string
  /** Length of the body, when it was told and the body comes as it is. */
  bytes?: number | undefined
}

/**
 * Blobs of the accounts: bytes by account and CID, rows in the account's file. A blob is private
 * until a record refers to it, and durable before that record is acknowledged; one that a record
 * referred to before it came (a move) is durable when its upload is acknowledged.
 */
export class AccountBlobs {
  readonly #blobs: Blobs
  readonly #files: AccountFiles
  readonly #repos: () => Repos
  readonly #now: () => number
  readonly #quotaBytes: number
  readonly #isTakenDown: (did: Did, cid: string) => boolean
  readonly #uploaded: ((did: Did, cid: string) => void) | undefined
  /** Naming and erasing the bytes of one account go one after another. */
  readonly #turns = new Map<Did, Promise<unknown>>()
  readonly #uploads = new Map<Did, Map<Promise<unknown>, BlobRef>>()
  /** Largest blob, in bytes. */
  readonly bytesMax: number

  constructor(options: {
    blobs: Blobs
    files: AccountFiles
    /** Asked when first needed: repos make blobs durable through this part. */
    repos: () => Repos
    now: () => number
    /** Largest blob, in bytes. */
    bytesMax: number
    /** All blobs of one account, in bytes. */
    quotaBytes: number
    /** Whether the operator took this blob of an account down. */
    isTakenDown: (did: Did, cid: string) => boolean
    /** Told of bytes that came in. */
    uploaded?: (did: Did, cid: string) => void
  }) {
    this.#blobs = options.blobs
    this.#files = options.files
    this.#repos = options.repos
    this.#now = options.now
    this.bytesMax = options.bytesMax
    this.#quotaBytes = options.quotaBytes
    this.#isTakenDown = options.isTakenDown
    this.#uploaded = options.uploaded
  }

  /**
   * Takes in a blob while hashing it; what was there already keeps its type while a record refers to it. Throws
   * InvalidRequest, BlobTooLarge (413), BlobQuotaExceeded.
   */
  async upload(
    account: Account,
    source: AsyncIterable<Uint8Array> | Uint8Array,
    claims: UploadClaims,
  ): Promise<BlobRef> {
    const { did } = account
    const declared = claims.mimeType === '*/*' ? 'application/octet-stream' : claims.mimeType
    if (!isMediaType(declared)) throw invalidRequest('The content-type is not a media type')
    await this.#look(did, (file) => this.#requireRoom(file, claims.bytes ?? 0))
    const intake = new Intake(source, this.bytesMax)
    const staged = await this.#blobs.stage(intake).catch(refused)
    try {
      const { size } = staged
      if (size === 0) throw invalidRequest('A blob has at least one byte')
      if (claims.bytes !== undefined && claims.bytes !== size) {
        throw invalidRequest(`${size} bytes came, the content-length says ${claims.bytes}`)
      }
      const ref = { cid: intake.cid(), mimeType: mediaTypeOf(declared, intake.head()), size }
      return await this.#beside(did, ref, () => this.#keep(did, ref, staged))
    } finally {
      // After a commit this does nothing.
      await staged.discard()
    }
  }

  /** Names the bytes, unless they are here, and notes them. */
  async #keep(did: Did, ref: BlobRef, staged: Staged): Promise<BlobRef> {
    if (this.#isTakenDown(did, cidText(ref.cid))) {
      throw invalidRequest('This blob was taken down and cannot be uploaded again')
    }
    const isNoted = await this.#look(did, (file) => {
      if (file.blobs.get(ref.cid)) return true
      this.#requireRoom(file, ref.size + this.#coming(did, ref, file))
      return false
    })
    const key = blobKey(did, ref.cid)
    // What is there may be on the disk already, and relied upon: whole, it is not replaced.
    const isHere = isNoted && (await this.#holds(key, ref))
    if (!isHere) {
      await staged.commit(key).catch(refused)
      this.#uploaded?.(did, cidText(ref.cid))
    }
    try {
      return await this.#note(did, ref, !isHere)
    } catch (error) {
      // Deleted meanwhile, and its blobs erased before these bytes had their name.
      if (isGone(error)) await this.#blobs.delete([key])
      throw error
    }
  }

  /** Looks at the account's file as it is now, in the account's turn. */
  async #look<T>(did: Did, look: (file: AccountFile) => T): Promise<T> {
    let seen: T
    await this.#repos().change(did, ({ generation }) => {
      seen = look(this.#files.open(did, generation))
      return []
    })
    return seen!
  }

  /** Whether the bytes of a blob are here and what its CID says. */
  holds(did: Did, ref: Pick<BlobRef, 'cid' | 'size'>): Promise<boolean> {
    return this.#holds(blobKey(did, ref.cid), ref)
  }

  /** Whether these very bytes are there; a power cut may have left fewer. */
  async #holds(key: string, { cid, size }: Pick<BlobRef, 'cid' | 'size'>): Promise<boolean> {
    const known = await this.#blobs.get(key)
    if (!known) return false
    if (known.size !== size) {
      await known.body[Symbol.asyncIterator]().return?.()
      return false
    }
    const hash = createSha256()
    for await (const chunk of known.body) hash.update(chunk)
    return equalBytes(makeCid(RAW, hash.digest()), cid)
  }

  #requireRoom(file: AccountFile, size: number): void {
    if (file.blobs.bytes() + size <= this.#quotaBytes) return
    const message = `An account may hold ${this.#quotaBytes} bytes of blobs`
    throw new XrpcError(400, 'BlobQuotaExceeded', message)
  }

  /** The row; in the journal, with its bytes on the disk, when a record refers to it already. */
  async #note(did: Did, ref: BlobRef, isNew: boolean): Promise<BlobRef> {
    const uploadedMs = this.#now()
    const { isReferenced, mimeType } = await this.#look(did, (file) => {
      const isReferenced = file.blobs.isReferenced(ref.cid)
      if (!isReferenced) file.blobs.put(ref, uploadedMs)
      return { isReferenced, mimeType: file.blobs.get(ref.cid)?.mimeType }
    })
    if (!isReferenced) return ref
    if (isNew) await this.#blobs.sync([blobKey(did, ref.cid)]).catch(refused)
    if (mimeType !== undefined) return { ...ref, mimeType }
    const entry = encodeBlobEntry(ref, uploadedMs)
    const apply = applyBlob(ref, uploadedMs)
    await this.#repos().change(did, ({ generation }) => [
      { did, kind: Kind.blob, make: () => entry, file: { generation, apply } },
    ])
    return ref
  }

  /** Bytes and names on disk: called before a record that refers to them is journalled. */
  sync = async (account: Account, cids: readonly CidBytes[]): Promise<void> => {
    const { did, generation } = account
    const file = this.#files.open(did, generation)
    const keys: string[] = []
    for (const cid of cids) {
      if (this.#isTakenDown(did, cidText(cid))) {
        throw new XrpcError(400, 'BlobNotFound', `Could not find blob: ${cidText(cid)}`)
      }
      // One that a record refers to was synced for it; one that is missing the write refuses.
      if (file.blobs.get(cid) && !file.blobs.isReferenced(cid)) keys.push(blobKey(did, cid))
    }
    if (keys.length > 0) await this.#blobs.sync(keys).catch(refused)
  }

  /** Read the body, or call its iterator's `return`. */
  read(
    did: Did,
    cid: CidBytes,
    range?: BlobRange,
  ): Promise<{ size: number; body: AsyncIterable<Uint8Array> } | undefined> {
    return this.#blobs.get(blobKey(did, cid), range).catch(refused)
  }

  /** Erases what nothing mentions any more, and bytes that no row knows. Returns how many. */
  async sweep(did: Did, before: IdleBefore): Promise<number> {
    return this.#inTurn(did, async () => {
      let erased = 0
      for (;;) {
        let cids: CidBytes[] = []
        await this.#repos().change(did, ({ generation, pendingCount }) => {
          // A write under way may be about to mention one.
          if (pendingCount === 0) {
            cids = this.#files.open(did, generation).blobs.takeIdle(before, SWEEP_COUNT)
          }
          return []
        })
        await this.#blobs.delete(cids.map((cid) => blobKey(did, cid)))
        erased += cids.length
        if (cids.length < SWEEP_COUNT) break
      }
      return erased + (await this.#sweepStrays(did))
    })
  }

  /** A power cut may lose the row of an upload and keep its bytes; in the account's turn none is between the two. */
  async #sweepStrays(did: Did): Promise<number> {
    let erased = 0
    for await (const keys of this.#keysOf(did)) {
      const strays = await this.#look(did, (file) =>
        keys.filter((key) => {
          const cid = parseCid(key.slice(key.lastIndexOf('/') + 1))
          return !file.blobs.get(cid) && !file.blobs.isReferenced(cid)
        }),
      )
      await this.#blobs.delete(strays)
      erased += strays.length
    }
    return erased
  }

  async *#keysOf(did: Did): AsyncGenerator<string[]> {
    let keys: string[] = []
    for await (const key of this.#blobs.list(`${fileName(did)}/`)) {
      keys.push(key)
      if (keys.length < SWEEP_COUNT) continue
      yield keys
      keys = []
    }
    yield keys
  }

  /** Erases every blob of an account that is gone. */
  async erase(did: Did): Promise<void> {
    await this.#inTurn(did, async () => {
      for await (const keys of this.#keysOf(did)) await this.#blobs.delete(keys)
    })
  }

  /**
   * Uploads of one account go on beside each other, so that the disk can work on several at once; those
   * of the same bytes one after the other.
   */
  async #beside<T>(did: Did, ref: BlobRef, work: () => Promise<T>): Promise<T> {
    const uploads = this.#uploads.get(did) ?? new Map<Promise<unknown>, BlobRef>()
    const same = [...uploads].flatMap(([turn, { cid }]) => (equalBytes(cid, ref.cid) ? [turn] : []))
    const turn = Promise.allSettled([this.#turns.get(did), ...same]).then(work)
    this.#uploads.set(did, uploads.set(turn, ref))
    try {
      return await turn
    } finally {
      uploads.delete(turn)
      if (uploads.size === 0) this.#uploads.delete(did)
    }
  }

  /** Bytes of uploads that came before this one and are not in the file yet. */
  #coming(did: Did, ref: BlobRef, { blobs }: AccountFile): number {
    let bytes = 0
    for (const other of this.#uploads.get(did)?.values() ?? []) {
      if (other === ref) break
      if (!blobs.get(other.cid)) bytes += other.size
    }
    return bytes
  }

  /** Alone with the account's blobs. */
  async #inTurn<T>(did: Did, work: () => Promise<T>): Promise<T> {
    const uploads = this.#uploads.get(did)?.keys() ?? []
    const turn = Promise.allSettled([this.#turns.get(did), ...uploads]).then(work)
    this.#turns.set(did, turn)
    try {
      return await turn
    } finally {
      if (this.#turns.get(did) === turn) this.#turns.delete(did)
    }
  }
}

/** A full disk, or a service that does not answer, is no fault of ours to look into: it can be asked again. */
function refused(error: unknown): never {
  const code = error instanceof StorageError ? error.code : undefined
  if (code !== 'NoSpace' && code !== 'Unavailable') throw error
  const [message, headers] = ['Blobs cannot be stored now', { 'retry-after': '10' }]
  throw new XrpcError(503, 'NotEnoughResources', message, { cause: error, headers })
}

/** Bytes on their way in: counted, hashed, their beginning kept. Handed on once. */
class Intake implements AsyncIterable<Uint8Array> {
  readonly #source: AsyncIterable<Uint8Array> | Uint8Array
  readonly #bytesMax: number
  readonly #hash = createSha256()
  readonly #head = new Uint8Array(SNIFF_BYTES)
  #size = 0

  constructor(source: AsyncIterable<Uint8Array> | Uint8Array, bytesMax: number) {
    this.#source = source
    this.#bytesMax = bytesMax
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    const source = this.#source instanceof Uint8Array ? [this.#source] : this.#source
    for await (const chunk of source) {
      if (this.#size < SNIFF_BYTES) {
        this.#head.set(chunk.subarray(0, SNIFF_BYTES - this.#size), this.#size)
      }
      this.#size += chunk.byteLength
      if (this.#size > this.#bytesMax) {
        throw new XrpcError(413, 'BlobTooLarge', `Blob is over ${this.#bytesMax} bytes`)
      }
      this.#hash.update(chunk)
      yield chunk
    }
  }

  /** When all has come. */
  cid(): CidBytes {
    return makeCid(RAW, this.#hash.digest())
  }

  head(): Uint8Array {
    return this.#head.subarray(0, this.#size)
  }
}

/** Where a blob of an account lies. */
export function blobKey(did: Did, cid: CidBytes): string {
  const text = cidText(cid)
  return `${fileName(did)}/${text.slice(-2)}/${text}`
}

const isGone = (error: unknown) => error instanceof XrpcError && error.error === 'RepoNotFound'
