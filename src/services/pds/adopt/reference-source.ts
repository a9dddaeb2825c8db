import type { SqliteReader } from '#platform/storage'
import type { CidBytes } from '#protocol/data'
import type { Did } from '#protocol/syntax'

/** Bytes that lie somewhere. Read the body, or call its iterator's `return`. */
export interface StoredBytes {
  size: number
  body: AsyncIterable<Uint8Array>
}

/** One account's own folder. */
export interface ReferenceStore {
  /** Its database, standing still. */
  reader: SqliteReader
  close(): void
}

/**
 * The data directory of a reference PDS that does not run, only ever read. Its databases are given out as
 * copies: opening the originals would write beside them.
 */
export interface ReferenceSource {
  /** `account.sqlite` */
  accounts: SqliteReader
  /** `sequencer.sqlite` */
  events: SqliteReader
  /** Undefined when the account has none. Throws SourceChanged when it was written while it was copied. */
  store(did: Did): Promise<ReferenceStore | undefined>
  /** The 32 bytes of the account's signing key. */
  signingKey(did: Did): Promise<Uint8Array | undefined>
  /** Keys that were reserved: the name is a DID, or the key's own did:key. */
  reservedKeys(): Promise<{ name: string; key: Uint8Array }[]>
  /** DIDs that have a folder. */
  folders(): Promise<string[]>
  blob(did: Did, cid: CidBytes): Promise<StoredBytes | undefined>
  /** Of one that was taken down. */
  quarantined(did: Did, cid: CidBytes): Promise<StoredBytes | undefined>
  /** Of one that no record mentions yet. */
  waiting(did: Did, key: string): Promise<StoredBytes | undefined>
  /** Whether anything was written there since it was opened. */
  hasChanged(): Promise<boolean>
}

/** The old host wrote while it was read: it still runs. */
export class SourceChanged extends Error {
  constructor(what: string) {
    super(`${what} changed while it was read: stop the old host first`)
    this.name = 'SourceChanged'
  }
}
