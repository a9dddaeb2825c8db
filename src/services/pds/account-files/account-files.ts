import {
  openSqliteFile,
  openSqliteReader,
  removeSqliteFile,
  type SqliteReader,
} from '#platform/storage'
import { sha256 } from '#protocol/crypto'
import type { Did } from '#protocol/syntax'
import { AccountFile } from './account-file.ts'
import { MIGRATIONS } from './schema.ts'

/** An export that takes longer than this is cut: it would hold back the file's clean-up. */
const SNAPSHOT_DEADLINE_MS = 30 * 60 * 1000

/**
 * The open account files of a host, least recently used closed first. `busy` tells which accounts
 * must stay open (writes under way); `closing` runs before a file is closed.
 */
export class AccountFiles {
  readonly #directory: string
  readonly #openMax: number
  readonly #files = new Map<string, { did: Did; file: AccountFile }>()
  readonly #closing: (did: Did) => boolean

  constructor(options: {
    directory: string
    /** Files kept open; each costs 3 file descriptors and about 32 KB. */
    openMax: number
    /** Called before a file is closed for room; answers false to keep it open. */
    closing: (did: Did) => boolean
  }) {
    this.#directory = options.directory
    this.#openMax = options.openMax
    this.#closing = options.closing
  }

  /** The account's file of this generation, created when missing. */
  open(did: Did, generation: number): AccountFile {
    const path = this.path(did, generation)
    const known = this.#files.get(path)
    if (known) {
      this.#files.delete(path)
      this.#files.set(path, known)
      return known.file
    }
    const file = new AccountFile(openSqliteFile(path, { migrations: MIGRATIONS }), path)
    this.#files.set(path, { did, file })
    if (this.#files.size > this.#openMax) this.#makeRoom(path)
    return file
  }

  /** A separate read-only connection with one consistent view, for exports. The caller closes it. */
  openSnapshot(did: Did, generation: number): SqliteReader {
    return openSqliteReader(this.path(did, generation), { deadlineMs: SNAPSHOT_DEADLINE_MS })
  }

  path(did: Did, generation: number): string {
    const name = did.replace(/[^a-zA-Z0-9._-]/g, '_')
    const shard = sha256(new TextEncoder().encode(did))[0]!.toString(16).padStart(2, '0')
    return `${this.#directory}/${shard}/${name}/${generation}.sqlite`
  }

  #makeRoom(keep: string): void {
    for (const [path, { did, file }] of this.#files) {
      if (this.#files.size <= this.#openMax) return
      if (path === keep || !this.#closing(did)) continue
      this.#files.delete(path)
      file.close()
    }
  }

  /** Closes one account's file, if open. */
  release(did: Did, generation: number): void {
    const path = this.path(did, generation)
    this.#files.get(path)?.file.close()
    this.#files.delete(path)
  }

  /** Closes and erases one generation of an account's file, if it exists. */
  remove(did: Did, generation: number): void {
    this.release(did, generation)
    removeSqliteFile(this.path(did, generation))
  }

  close(): void {
    for (const { file } of this.#files.values()) file.close()
    this.#files.clear()
  }
}
