import type { Blobs } from '#platform/storage'
import { createSha256 } from '#protocol/crypto'
import { type BlobRef, type CidBytes, cidText, makeCid } from '#protocol/data'
import type { Did } from '#protocol/syntax'
import { XrpcError } from '#protocol/xrpc'
import type { AccountFiles } from '../account-files/index.ts'
import type { Account } from '../accounts/index.ts'

const RAW = 0x55

/**
 * Blobs of the accounts: bytes by account and CID, rows in the account's file. A blob is private
 * until a record refers to it, and durable before that record is acknowledged.
 */
export class AccountBlobs {
  readonly #blobs: Blobs
  readonly #files: AccountFiles
  readonly #now: () => number
  /** Largest blob, in bytes. */
  readonly bytesMax: number

  constructor(options: {
    blobs: Blobs
    files: AccountFiles
    now: () => number
    /** Largest blob, in bytes. */
    bytesMax: number
  }) {
    this.#blobs = options.blobs
    this.#files = options.files
    this.#now = options.now
    this.bytesMax = options.bytesMax
  }

  /** Takes in a blob while hashing it. Throws BlobTooLarge. */
  async upload(
    account: Account,
    source: AsyncIterable<Uint8Array> | Uint8Array,
    mimeType: string,
  ): Promise<BlobRef> {
    const hash = createSha256()
    const staged = await this.#blobs.stage(this.#measured(source, hash))
    try {
      const cid = makeCid(RAW, hash.digest())
      await staged.commit(blobKey(account.did, cid))
      const ref = { cid, mimeType, size: staged.size }
      this.#files.open(account.did, account.generation).putBlob(ref, this.#now())
      return ref
    } catch (error) {
      await staged.discard()
      throw error
    }
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
  sync = async (did: Did, cids: readonly CidBytes[]): Promise<void> => {
    const keys: string[] = []
    for (const cid of cids) {
      const key = blobKey(did, cid)
      if (await this.#blobs.has(key)) keys.push(key)
    }
    // What is missing is refused by the write itself, with a name.
    if (keys.length > 0) await this.#blobs.sync(keys)
  }

  read(
    did: Did,
    cid: CidBytes,
  ): Promise<{ size: number; body: AsyncIterable<Uint8Array> } | undefined> {
    return this.#blobs.get(blobKey(did, cid))
  }
}

const blobKey = (did: Did, cid: CidBytes): string => {
  const text = cidText(cid)
  return `${did.replaceAll(':', '_').replaceAll('%', '~')}/${text.slice(-2)}/${text}`
}
