import type { SqliteFile } from '#platform/storage'
import { sha256 } from '#protocol/crypto'
import { decodeCbor } from '#protocol/data'

/** Collections in which one record for each subject is meant to exist, in the order of paths. */
const COLLECTIONS = [
  'app.bsky.feed.like',
  'app.bsky.feed.repost',
  'app.bsky.graph.block',
  'app.bsky.graph.follow',
]
const KNOWN = new Set(COLLECTIONS)
/** Sorts behind every path. */
const ALL = '~'
/** Bytes of a hash: few, as a row found by it is looked at anyway. */
const HASH_BYTES = 8

/** Whom or what a like, repost, follow or block is about; undefined for anything else. */
export function subjectOf(collection: string, value: unknown): string | undefined {
  if (!KNOWN.has(collection)) return undefined
  const { subject } = (value ?? {}) as { subject?: unknown }
  if (typeof subject === 'string') return subject
  const { uri } = (subject ?? {}) as { uri?: unknown }
  return typeof uri === 'string' ? uri : undefined
}

/**
 * Where one account's likes, reposts, follows and blocks of a subject are. A row is a hint: it tells
 * a hash, the record tells the subject. Rows are noted when somebody first asks, in steps, and
 * kept from then on; until then writes cost nothing here.
 */
export class SubjectRows {
  readonly #sql: SqliteFile
  /** Records up to this path have their rows. */
  #upto: string | undefined

  constructor(sql: SqliteFile) {
    this.#sql = sql
  }

  /** A change was rolled back: what is remembered may be wrong. */
  forget(): void {
    this.#upto = undefined
  }

  #notedUpto(): string {
    this.#upto ??= this.#sql.get<{ upto: string }>('SELECT upto FROM subjects_noted')!.upto
    return this.#upto
  }

  isNoted(): boolean {
    return this.#notedUpto() === ALL
  }

  /** Notes the rows of up to `limit` more records; true when all have theirs. */
  noteSome(limit: number): boolean {
    const from = this.#notedUpto()
    for (const collection of COLLECTIONS) {
      const end = `${collection}0` // '0' follows '/' in ASCII
      if (from >= end) continue
      const after = from > `${collection}/` ? from : `${collection}/`
      const rows = this.#sql.all<{ path: string; block: Uint8Array }>(
        'SELECT path, block FROM records WHERE path > ? AND path < ? ORDER BY path LIMIT ?',
        [after, end, limit],
      )
      for (const { path, block } of rows) this.#put(path, block)
      if (rows.length === limit) return this.#noted(rows.at(-1)!.path)
      limit -= rows.length
    }
    return this.#noted(ALL)
  }

  #noted(upto: string): boolean {
    this.#sql.run('UPDATE subjects_noted SET upto = ?', [upto])
    this.#upto = upto
    return upto === ALL
  }

  /** A record is written whose block is this. */
  put(path: string, block: Uint8Array): void {
    if (this.#keeps(path)) this.#put(path, block)
  }

  /** The record at a path is about to change or go. */
  drop(path: string): void {
    if (!this.#keeps(path)) return
    const row = this.#sql.get<{ block: Uint8Array }>('SELECT block FROM records WHERE path = ?', [
      path,
    ])
    const key = row && keyOf(path, row.block)
    if (key) this.#sql.run('DELETE FROM subjects WHERE subject = ? AND path = ?', [key, path])
  }

  #keeps(path: string): boolean {
    return KNOWN.has(collectionOf(path)) && path <= this.#notedUpto()
  }

  #put(path: string, block: Uint8Array): void {
    const key = keyOf(path, block)
    if (key) this.#sql.run('INSERT OR IGNORE INTO subjects VALUES (?, ?)', [key, path])
  }

  /** Paths of a collection's records that may be about a subject, oldest key first. */
  pathsOf(collection: string, subject: string, limit: number): string[] {
    const rows = this.#sql.all<{ path: string }>(
      'SELECT path FROM subjects WHERE subject = ? AND path > ? AND path < ? ORDER BY path LIMIT ?',
      [hash(subject), `${collection}/`, `${collection}0`, limit],
    )
    return rows.map(({ path }) => path)
  }
}

const collectionOf = (path: string) => path.slice(0, path.indexOf('/'))

const CID_BYTES = 36

/** Undefined for a record without a subject, and for one that is damaged: it is not found then. */
function keyOf(path: string, block: Uint8Array): Uint8Array | undefined {
  try {
    const subject = subjectOf(collectionOf(path), decodeCbor(block.subarray(CID_BYTES)))
    return subject === undefined ? undefined : hash(subject)
  } catch {
    return undefined
  }
}

const hash = (subject: string) => sha256(new TextEncoder().encode(subject)).subarray(0, HASH_BYTES)
