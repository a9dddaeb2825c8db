import type { Blobs } from '#platform/storage'
import { createSha256 } from '#protocol/crypto'
import { type BlobRef, type CidBytes, cidText, equalBytes, makeCid } from '#protocol/data'
import type { Did } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'
import { type AccountFiles, fileName } from '../account-files/index.ts'
import type { Account } from '../accounts/index.ts'
import { Kind } from '../journal/index.ts'
import type { Repos } from '../repos/index.ts'
import { applyBlob, encodeBlobEntry } from './blob-entry.ts'

const RAW = 0x55
const SWEEP_COUNT = 1_000

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
  /** Naming and erasing the bytes of one account go one after another. */
  readonly #turns = new Map<Did, Promise<unknown>>()
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
  }) {
    this.#blobs = options.blobs
    this.#files = options.files
    this.#repos = options.repos
    this.#now = options.now
    this.bytesMax = options.bytesMax
    this.#quotaBytes = options.quotaBytes
  }

  /** Takes in a blob while hashing it. Throws BlobTooLarge, BlobQuotaExceeded. */
  async upload(
    account: Account,
    source: AsyncIterable<Uint8Array> | Uint8Array,
    mimeType: string,
  ): Promise<BlobRef> {
    this.#requireRoom(account, 0)
    const hash = createSha256()
    const staged = await this.#blobs.stage(this.#measured(source, hash))
    try {
      this.#requireRoom(account, staged.size)
      const ref = { cid: makeCid(RAW, hash.digest()), mimeType, size: staged.size }
      await this.#inTurn(account.did, async () => {
        const key = blobKey(account.did, ref.cid)
        // What is there may be on the disk already, and relied upon: whole, it is not replaced.
        if (!(await this.#holds(key, ref))) await staged.commit(key)
        await this.#note(account.did, ref)
      })
      return ref
    } finally {
      // After a commit this does nothing.
      await staged.discard()
    }
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

  #requireRoom({ did, generation }: Account, size: number): void {
    if (this.#files.open(did, generation).blobBytes() + size <= this.#quotaBytes) return
    const message = `An account may hold ${this.#quotaBytes} bytes of blobs`
    throw new XrpcError(400, 'BlobQuotaExceeded', message)
  }

  /** The row; in the journal, with its bytes on the disk, when a record refers to it already. */
  async #note(did: Did, ref: BlobRef): Promise<void> {
    const uploadedMs = this.#now()
    let isReferenced = false
    await this.#repos().change(did, ({ generation }) => {
      const file = this.#files.open(did, generation)
      isReferenced = file.isReferenced(ref.cid)
      if (!isReferenced) file.putBlob(ref, uploadedMs)
      return []
    })
    if (!isReferenced) return
    await this.#blobs.sync([blobKey(did, ref.cid)])
    const entry = encodeBlobEntry(ref, uploadedMs)
    const apply = applyBlob(ref, uploadedMs)
    await this.#repos().change(did, ({ generation }) => [
      { did, kind: Kind.blob, make: () => entry, file: { generation, apply } },
    ])
  }

  async *#measured(
    source: AsyncIterable<Uint8Array> | Uint8Array,
    hash: { update(bytes: Uint8Array): void },
  ): AsyncIterable<Uint8Array> {
    let size = 0
    for await (const chunk of source instanceof Uint8Array ? [source] : source) {
      size += chunk.byteLength
      if (size > this.bytesMax) {
        throw new XrpcError(413, 'BlobTooLarge', `Blob is over ${this.bytesMax} bytes`)
      }
      hash.update(chunk)
      yield chunk
    }
  }

  /** Bytes and names on disk: called before a record that refers to them is journalled. */
  sync = async (account: Account, cids: readonly CidBytes[]): Promise<void> => {
    const { did, generation } = account
    const file = this.#files.open(did, generation)
    const keys: string[] = []
    for (const cid of cids) {
      // One that a record refers to was synced for it; one that is missing the write refuses.
      if (file.blob(cid) && !file.isReferenced(cid)) keys.push(blobKey(did, cid))
    }
    if (keys.length > 0) await this.#blobs.sync(keys)
  }

  read(
    did: Did,
    cid: CidBytes,
  ): Promise<{ size: number; body: AsyncIterable<Uint8Array> } | undefined> {
    return this.#blobs.get(blobKey(did, cid))
  }

  /** Erases what nothing has mentioned since `beforeMs`. Returns how many. */
  async sweep(did: Did, beforeMs: number): Promise<number> {
    return this.#inTurn(did, async () => {
      let cids: CidBytes[] = []
      await this.#repos().change(did, ({ generation, pendingCount }) => {
        // A write under way may be about to mention one.
        if (pendingCount === 0) {
          cids = this.#files.open(did, generation).takeIdleBlobs(beforeMs, SWEEP_COUNT)
        }
        return []
      })
      await this.#blobs.delete(cids.map((cid) => blobKey(did, cid)))
      return cids.length
    })
  }

  /** Erases every blob of an account that is gone. */
  async erase(did: Did): Promise<void> {
    await this.#inTurn(did, async () => {
      let keys: string[] = []
      for await (const key of this.#blobs.list(`${fileName(did)}/`)) {
        keys.push(key)
        if (keys.length < SWEEP_COUNT) continue
        await this.#blobs.delete(keys)
        keys = []
      }
      await this.#blobs.delete(keys)
    })
  }

  async #inTurn<T>(did: Did, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(did) ?? Promise.resolve()
    const turn = before.then(work, work)
    this.#turns.set(did, turn)
    try {
      return await turn
    } finally {
      if (this.#turns.get(did) === turn) this.#turns.delete(did)
    }
  }
}

function blobKey(did: Did, cid: CidBytes): string {
  const text = cidText(cid)
  return `${fileName(did)}/${text.slice(-2)}/${text}`
}
