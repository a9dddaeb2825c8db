import {
  openSqliteFile,
  openSqliteReader,
  removeSqliteFile,
  type SqliteReader,
  type StorageError,
} from '#platform/storage'
import { hex, sha256 } from '#protocol/crypto'
import type { Did } from '#protocol/syntax'
import { AccountFile } from './account-file.ts'
import { MIGRATIONS } from './schema.ts'

/** An export that takes longer than this is cut: it would hold back the file's clean-up. */
const SNAPSHOT_DEADLINE_MS = 30 * 60 * 1000
/** Page cache of one open file. Hundreds are open, and the system's own cache lies behind. */
const CACHE_KB = 256
/** Page cache of the few files that much is asked of: a page from the system costs more than the read. */
const WIDE_CACHE_KB = 8 * 1024
const WIDE_MAX = 6
/** Uses after which a file counts as one of those. */
const WIDE_USES = 64
/** Uses of any files after which one that has had none of them gives its wide cache back. */
const WIDE_IDLE_USES = 4_096

interface Open {
  did: Did
  file: AccountFile
  /** Who needs it to stay open. */
  holders: number
  /** Since it was opened, or since its cache was made narrow again. */
  uses: number
  /** As many of them as there were when idle files were last looked for. */
  usesSeen: number
}

/** The open account files of a host, least recently used closed first. */
export class AccountFiles {
  readonly #directory: string
  readonly #openMax: number
  /** Least recently used first. */
  readonly #files = new Map<string, Open>()
  /** The last of them. */
  #newest: Open | undefined
  #uses = 0
  /** Files with a wide cache, least recently used first. */
  readonly #wide = new Set<Open>()
  readonly #closing: (did: Did) => boolean
  readonly #opened: (did: Did, generation: number, file: AccountFile) => void
  readonly #damaged: (did: Did, generation: number, error: StorageError) => unknown
  readonly #requireReadable: (did: Did) => void

  constructor(options: {
    directory: string
    /** Files kept open; each costs 3 file descriptors and up to 300 KB, six of them up to 8 MB. */
    openMax: number
    /** Called before a file is closed for room; answers false to keep it open. */
    closing: (did: Did) => boolean
    /** Called with each file that was not open before. */
    opened: (did: Did, generation: number, file: AccountFile) => void
    /** Told of a file with other bytes than were written; what it returns is thrown. */
    damaged: (did: Did, generation: number, error: StorageError) => unknown
    /** Throws when the account's file does not hold what it should: nobody is to read it. */
    requireReadable: (did: Did) => void
  }) {
    this.#directory = options.directory
    this.#openMax = options.openMax
    this.#closing = options.closing
    this.#opened = options.opened
    this.#damaged = options.damaged
    this.#requireReadable = options.requireReadable
  }

  /** The account's file of this generation, created when missing. Throws AccountStopped. */
  open(did: Did, generation: number): AccountFile {
    const { file } = this.#open(did, generation)
    this.#requireReadable(did)
    return file
  }

  /** The same for who brings it up to date: whatever state it is in. */
  openToRepair(did: Did, generation: number): AccountFile {
    return this.#open(did, generation).file
  }

  #open(did: Did, generation: number): Open {
    const name = `${did} ${generation}`
    const known = this.#files.get(name)
    if (known) {
      known.uses++
      if (++this.#uses % WIDE_IDLE_USES === 0) this.#narrowIdle()
      if (known !== this.#newest || known.uses === WIDE_USES) this.#used(name, known)
      return known
    }
    const path = this.path(did, generation)
    const damaged = (error: StorageError) => this.#damaged(did, generation, error)
    const sql = openSqliteFile(path, {
      migrations: MIGRATIONS,
      cacheKb: CACHE_KB,
      onCorrupt: damaged,
    })
    const file = new AccountFile(sql, path, damaged)
    const made: Open = { did, file, holders: 0, uses: 0, usesSeen: 0 }
    this.#files.set(name, made)
    this.#newest = made
    if (this.#files.size > this.#openMax) this.#makeRoom(made)
    this.#opened(did, generation, made.file)
    return made
  }

  #used(name: string, open: Open): void {
    this.#newest = open
    this.#files.delete(name)
    this.#files.set(name, open)
    if (open.uses >= WIDE_USES) this.#widen(open)
  }

  /** Gives a file in much use a cache for many pages, and takes it from the one idle for longest. */
  #widen(open: Open): void {
    if (this.#wide.delete(open)) return void this.#wide.add(open)
    this.#wide.add(open)
    open.file.limitCache(WIDE_CACHE_KB)
    for (const other of this.#wide) {
      if (this.#wide.size <= WIDE_MAX) return
      this.#narrow(other)
    }
  }

  #narrow(open: Open): void {
    this.#wide.delete(open)
    open.uses = 0
    open.usesSeen = 0
    open.file.limitCache(CACHE_KB)
  }

  #narrowIdle(): void {
    for (const open of this.#wide) {
      if (open.uses === open.usesSeen) this.#narrow(open)
      else open.usesSeen = open.uses
    }
  }

  /** As `open`, and it stays open until `release` is called. */
  hold(did: Did, generation: number): { file: AccountFile; release(): void } {
    const open = this.#open(did, generation)
    open.holders++
    return { file: open.file, release: () => void open.holders-- }
  }

  /** A separate read-only connection with one consistent view, for exports. The caller closes it. */
  openSnapshot(did: Did, generation: number): SqliteReader {
    this.#requireReadable(did)
    return openSqliteReader(this.path(did, generation), {
      onCorrupt: (error) => this.#damaged(did, generation, error),
      deadlineMs: SNAPSHOT_DEADLINE_MS,
      cacheKb: CACHE_KB,
    })
  }

  /** Stops the account: its file does not hold what it should. Returns what to throw. */
  damaged(did: Did, generation: number, error: StorageError): unknown {
    return this.#damaged(did, generation, error)
  }

  path(did: Did, generation: number): string {
    const name = fileName(did)
    const shard = hex(sha256(new TextEncoder().encode(did)).subarray(0, 1))
    return `${this.#directory}/${shard}/${name}/${generation}.sqlite`
  }

  #makeRoom(keep: Open): void {
    for (const [name, open] of this.#files) {
      if (this.#files.size <= this.#openMax) return
      if (open === keep || open.holders > 0 || !this.#closing(open.did)) continue
      this.#files.delete(name)
      this.#wide.delete(open)
      open.file.close()
    }
  }

  /** Closes one generation of an account's file, if it is open. */
  shut(did: Did, generation: number): void {
    const name = `${did} ${generation}`
    const open = this.#files.get(name)
    if (open) this.#wide.delete(open)
    open?.file.close()
    this.#files.delete(name)
  }

  /** Closes and erases one generation of an account's file, if it exists. */
  remove(did: Did, generation: number): void {
    this.shut(did, generation)
    removeSqliteFile(this.path(did, generation))
  }

  close(): void {
    for (const { file } of this.#files.values()) file.close()
    this.#files.clear()
  }
}

/**
 * A name for the files of an account that no other account has, also where upper and lower case are
 * the same: a did:plc is such a name but for its colons, any other DID gets its hash beside it.
 */
export function fileName(did: Did): string {
  const plain = did.replace(/[^a-zA-Z0-9.-]/g, '_')
  if (/^did:plc:[a-z2-7]{24}$/.test(did)) return plain
  return `${plain.slice(0, 100)}-${hex(sha256(new TextEncoder().encode(did)).subarray(0, 16))}`
}
