/**
 * The four storage contracts: Sql (rows), Blobs (bytes by key), Streams (durable ordered logs), Kv (short-lived values).
 * A transaction never crosses a contract. Every form of a contract passes the same conformance suite.
 */

export type StorageErrorCode =
  /** The disk is full, below the free-space reserve, or read-only; nothing of the refused call is kept. */
  | 'NoSpace'
  /** Durable bytes are not what was written; the message names the file (or segment) and the offset. */
  | 'Corrupt'
  /** A write or an fsync failed in a way after which nothing can be trusted; outcomes of open appends are unknown. */
  | 'Fatal'
  /** Used after close. */
  | 'Closed'
  /** Another owner (process or object) has it open. */
  | 'Locked'
  /** More is waiting to be written than may wait. */
  | 'Overloaded'
  /** Over a stated size limit. */
  | 'TooLarge'
  /** An unsafe or malformed key or stream name. */
  | 'InvalidKey'
  /** An argument that no caller may pass. */
  | 'InvalidArgument'
  /** A unique or primary key is taken. */
  | 'Conflict'
  /** An applied migration is missing or has changed. */
  | 'Migration'
  /** A reader with a deadline outlived it. */
  | 'Deadline'
  /** The thing named is not there. */
  | 'NotFound'
  /**
   * A server elsewhere did not do it or does not answer, and nothing may be known of the call; of
   * blobs it was asked again. Asking later is sound.
   */
  | 'Unavailable'

/** The one error of this room; `cause` holds the machine's own error where there is one. */
export class StorageError extends Error {
  readonly code: StorageErrorCode
  constructor(code: StorageErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'StorageError'
    this.code = code
  }
}

// Sql

/** Integers are numbers; a bigint must be a safe integer. Booleans are written as 0 and 1 by the caller. */
export type SqlValue = null | number | bigint | string | Uint8Array
export type SqlParams = readonly SqlValue[]
/** Rows are plain records of column to value (without a prototype, as the engine makes them). */
export type SqlRow = Record<string, SqlValue>

/** Applied once, in order, each in a transaction. The text of an applied migration may not change. */
export interface Migration {
  /** Such as `0001-accounts`. */
  name: string
  sql: string
  /** What PostgreSQL runs in its place, where translating types (see `inPostgres`) is not enough. */
  postgres?: string
}

/**
 * A relational database. `?` marks a parameter. Statements are prepared once and kept.
 * Outside a transaction each statement is a transaction of its own, and never runs inside somebody else's.
 */
export interface Sql {
  /** Reads see what was committed, at least what was awaited here before. */
  all<T = SqlRow>(sql: string, params?: SqlParams): Promise<T[]>
  get<T = SqlRow>(sql: string, params?: SqlParams): Promise<T | undefined>
  run(sql: string, params?: SqlParams): Promise<{ changes: number }>
  /** Runs one statement with many parameter rows, as one transaction and one wait. */
  runMany(sql: string, rows: readonly SqlParams[]): Promise<{ changes: number }>
  /**
   * Runs `work` in a transaction: committed when it resolves, rolled back when it throws. Transactions of one
   * database run one after another. Inside `work` also the outer face speaks to this transaction; a nested
   * `transaction` joins it. What `work` leaves running when it settles is no part of it. An insert or update that meets
   * a taken key (Conflict) may be caught and leaves the rest, but for an insert that says what to do `on conflict`; after
   * any other failed statement the transaction can only fail.
   */
  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T>
  close(): Promise<void>
}

/** Reading face of one SQLite file, synchronous. */
export interface SqliteReader {
  all<T = SqlRow>(sql: string, params?: SqlParams): T[]
  get<T = SqlRow>(sql: string, params?: SqlParams): T | undefined
  /** Rows one at a time; leaving the loop early frees the statement. */
  iterate<T = SqlRow>(sql: string, params?: SqlParams): IterableIterator<T>
  close(): void
}

/** One SQLite file with a synchronous face, for many small files kept open (one per account). */
export interface SqliteFile extends SqliteReader {
  run(sql: string, params?: SqlParams): { changes: number }
  /** Several statements in one text, without parameters. */
  exec(sql: string): void
  /** Runs `work` in a transaction, rolled back when it throws; nested calls join the outer one. */
  transaction<T>(work: () => T): T
  /**
   * Makes the changes that `onChanges` of another database told of, inside the open transaction or as one. Throws
   * Conflict when the rows are not what they were there: the two are no copies of each other.
   */
  applyChanges(changes: Uint8Array): void
  /** Resolves when everything committed before this call survives a power cut; fsyncs happen off the event loop. */
  sync(): Promise<void>
  /** Bytes waiting in the write-ahead file. */
  walBytes(): number
}

// Blobs

export interface Staged {
  /** Bytes. */
  size: number
  /** Puts the bytes under `key`, replacing what was there. Survives a power cut only after `sync([key])`. */
  commit(key: string): Promise<void>
  /** Drops the bytes; after commit it does nothing. */
  discard(): Promise<void>
}

/** `start` inclusive, `end` exclusive, in bytes; clipped to the blob. */
export interface BlobRange {
  start: number
  end?: number
}

/** Bytes by key. Keys are relative paths such as `ab/did_x/bafy…` of at most 512 characters of [A-Za-z0-9._~:=-] and `/`. */
export interface Blobs {
  /**
   * Takes bytes in without naming them. A throwing source leaves nothing behind; chunks that have a `Symbol.dispose`
   * are told when they are no longer needed. Errors: NoSpace, TooLarge.
   */
  stage(
    source: AsyncIterable<Uint8Array> | Uint8Array,
    limits?: { maxBytes?: number },
  ): Promise<Staged>
  /** Resolves when the bytes and names of these blobs survive a power cut. Errors: NotFound. */
  sync(keys: readonly string[]): Promise<void>
  /**
   * `size` is the whole blob's; the body hands out chunks of at most 1 MiB. Read the body or call its iterator's
   * `return`: it holds an open file or connection. A chunk that has a `Symbol.dispose` may be given back by its last
   * user, and is otherwise the collector's. What is replaced or deleted meanwhile is still read whole.
   */
  get(
    key: string,
    range?: BlobRange,
  ): Promise<{ size: number; body: AsyncIterable<Uint8Array> } | undefined>
  has(key: string): Promise<boolean>
  /** Missing keys are no error. */
  delete(keys: readonly string[]): Promise<void>
  /** Keys that begin with `prefix`, in order. */
  list(prefix: string): AsyncIterable<string>
}

// Streams

/** One durable entry. A blanked one keeps its place and header; its payload is empty. */
export interface Entry {
  readonly seq: number
  readonly key: string
  readonly kind: number
  readonly timeMs: number
  readonly payload: Uint8Array
  readonly blanked: boolean
}

/**
 * Entries that come together. Whoever was handed one with a `Symbol.dispose` may say once that it has done with it: when
 * all have, the payloads are freed before the collector gets to it, and are empty afterwards.
 */
export type EntryBatch = readonly Entry[] & Partial<Disposable>

export interface NewEntry {
  /** At most 255 bytes of UTF-8. */
  key: string
  /** 0..255, the owner's meaning. */
  kind: number
  /** Called at once, with the seq the entry gets; the bytes must not be changed afterwards. */
  make(seq: number): Uint8Array
}

export interface Appended {
  first: number
  last: number
  /** Resolves after the fsync; rejects with StorageError NoSpace (nothing kept) or Fatal (outcome unknown). */
  durable: Promise<void>
}

export interface ReadOptions {
  /** Entries with a greater seq, in order. */
  after: number
  /** Go on with new entries as they become visible; ends by `signal`, `return()` or the stream's close. */
  live?: boolean
  signal?: AbortSignal
  /** Bound of a batch read from disk (default 256 KiB; one entry may exceed it). Live batches are at most 256 KiB or one entry. */
  maxBatchBytes?: number
}

export interface StreamBounds {
  /** Oldest retained seq; `last + 1` when nothing is retained. */
  first: number
  /** Newest visible seq; 0 or the seq before the first possible one when there is none. */
  last: number
  /** Newest durable seq, released or not. */
  durable: number
}

export interface TrimOptions {
  /** Never remove entries from here on. */
  beforeSeq?: number
  /** Remove what is older than this (milliseconds since 1970). */
  beforeMs?: number
  /** Remove the oldest while the stream holds more than this many bytes. */
  keepBytes?: number
}

/** A durable, ordered log with one writer and any number of readers. */
export interface Stream {
  readonly name: string
  /**
   * Takes the next seqs and queues the entries; one call is all or nothing on disk. Calls made while a write is
   * under way share the next one. Throws NoSpace, Overloaded, Fatal or Closed before anything is assigned.
   */
  append(entries: readonly NewEntry[]): Appended
  /**
   * Takes entries of another stream as they are: seqs, times and blanks. Seqs rise, all above every one taken before.
   * Neighbours of one time are all or nothing on disk. Resolves after the fsync; throws and rejects as `append` does.
   */
  copy(entries: readonly Entry[]): Promise<void>
  read(options: ReadOptions): AsyncIterableIterator<EntryBatch>
  bounds(): StreamBounds
  /** With manualRelease: makes durable entries up to `seq` visible. */
  release(seq: number): void
  /** Everything durable after `after`, released or not, up to the newest at the time of the call. */
  tail(after: number): AsyncIterableIterator<readonly Entry[]>
  /** Erases the payloads of the durable entries that `select` picks; seqs, keys and kinds stay. Resolves to their count. */
  blank(select: (entry: { seq: number; key: string; kind: number }) => boolean): Promise<number>
  /** Removes whole segments; see TrimOptions. Unreleased entries stay. */
  trim(options: TrimOptions): Promise<void>
  /** Waits for queued appends, ends live readers. */
  close(): Promise<void>
}

export interface StreamOptions {
  /** Durable entries become visible only by `release`. After opening nothing is released. */
  manualRelease?: boolean
  /** A new segment is begun when the current one would grow beyond this (default 32 MiB). */
  segmentBytes?: number
  /** The next seq is at least this. */
  floor?: number
  /**
   * Called when queued appends fail, before their promises reject and before any later append is taken: the owner
   * drops what it had built upon them.
   */
  onFailed?(error: StorageError, firstSeq: number): void
}

export interface Streams {
  /** Opens or creates. Names are [a-z0-9-]{1,64}. Errors: Corrupt, Locked. */
  open(name: string, options?: StreamOptions): Promise<Stream>
  /** Closes every stream. */
  close(): Promise<void>
}

// Kv

/** Short-lived values: limits, nonces, caches. Losing one is allowed at any time. */
export interface Kv {
  get(key: string): Promise<string | undefined>
  set(key: string, value: string, ttlMs?: number): Promise<void>
  delete(key: string): Promise<boolean>
  /**
   * Adds a whole number to a number (absent counts as 0); `ttlMs` begins with the first increment. Resolves to the sum
   * and to how long it is still kept. Errors: InvalidArgument for a value that is no number.
   */
  increment(key: string, by: number, ttlMs: number): Promise<{ sum: number; leftMs: number }>
  /** Lets go of whatever it holds open. */
  close(): Promise<void>
}
