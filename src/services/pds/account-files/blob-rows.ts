import type { SqliteFile } from '#platform/storage'
import type { BlobRef, CidBytes } from '#protocol/data'
import type { Tid } from '#protocol/syntax'

/** Instants before which blobs that nothing mentions are given up. */
export interface IdleBefore {
  /** Of those that no record ever mentioned, or not since they were uploaded again. */
  unusedBeforeMs: number
  /** Of those that a record mentioned. */
  droppedBeforeMs: number
}

/**
 * The rows of uploaded blobs in one account's file, and which records mention them; the bytes lie
 * elsewhere. A blob is idle while nothing mentions it.
 */
export class BlobRows {
  readonly #sql: SqliteFile
  #bytes: number | undefined

  constructor(sql: SqliteFile) {
    this.#sql = sql
  }

  get(cid: CidBytes): { mimeType: string; size: number } | undefined {
    return this.#sql.get('SELECT mime_type AS mimeType, size FROM blobs WHERE cid = ?', [cid])
  }

  put(blob: BlobRef, uploadedMs: number): void {
    const idleSinceMs = this.isReferenced(blob.cid) ? null : uploadedMs
    if (!this.get(blob.cid)) this.#bytes = this.bytes() + blob.size
    this.#sql.run(
      `INSERT INTO blobs (cid, mime_type, size, uploaded_ms, idle_since_ms) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (cid) DO UPDATE SET mime_type = excluded.mime_type,
         uploaded_ms = excluded.uploaded_ms, idle_since_ms = excluded.idle_since_ms`,
      [blob.cid, blob.mimeType, blob.size, uploadedMs, idleSinceMs],
    )
  }

  /** Bytes of all blobs. */
  bytes(): number {
    this.#bytes ??= this.#sql.get<{ n: number | null }>('SELECT sum(size) AS n FROM blobs')?.n ?? 0
    return this.#bytes
  }

  /** A change was rolled back: what is remembered of sums may be wrong. */
  forgetSums(): void {
    this.#bytes = undefined
  }

  /**
   * Takes out blobs that were uploaded before `unusedBeforeMs` and mentioned by nothing since, or
   * whose last mention went before `droppedBeforeMs`; their bytes are the caller's.
   */
  takeIdle({ unusedBeforeMs, droppedBeforeMs }: IdleBefore, limit: number): CidBytes[] {
    const rows = this.#sql.all<{ cid: CidBytes }>(
      `DELETE FROM blobs WHERE cid IN (
         SELECT cid FROM blobs WHERE idle_since_ms < max(?1, ?2)
           AND idle_since_ms < CASE WHEN idle_since_ms > uploaded_ms THEN ?2 ELSE ?1 END LIMIT ?3
       ) RETURNING cid`,
      [unusedBeforeMs, droppedBeforeMs, limit],
    )
    this.#bytes = undefined
    return rows.map(({ cid }) => cid)
  }

  /** Its bytes are gone: it is missing from now on, to be brought here again. */
  forget(cid: CidBytes): void {
    this.#sql.run('DELETE FROM blobs WHERE cid = ?', [cid])
    this.#bytes = undefined
  }

  // ── what records mention ──

  /** Notes that a record mentions a blob. */
  link(cid: CidBytes, path: string, rev: Tid): void {
    this.#sql.run('INSERT OR IGNORE INTO blob_refs (cid, path, rev) VALUES (?, ?, ?)', [
      cid,
      path,
      rev,
    ])
  }

  /** A record was written that mentions it: it is not idle. */
  mentioned(blob: BlobRef, timeMs: number): void {
    // The blob was here when the record was written; its row may not have reached the disk.
    if (!this.get(blob.cid)) this.put(blob, timeMs)
    else this.#sql.run('UPDATE blobs SET idle_since_ms = NULL WHERE cid = ?', [blob.cid])
  }

  /** A record that came from another host mentions it: it may yet have to be brought. */
  wanted(cid: CidBytes): void {
    this.#sql.run('UPDATE blobs SET idle_since_ms = NULL WHERE cid = ?', [cid])
  }

  /** Forgets which blobs a record mentions; those that no other mentions are idle from now on. */
  unlink(path: string, timeMs: number): void {
    const refs = this.#sql.all<{ cid: CidBytes }>('SELECT cid FROM blob_refs WHERE path = ?', [
      path,
    ])
    if (refs.length === 0) return
    this.#sql.run('DELETE FROM blob_refs WHERE path = ?', [path])
    for (const { cid } of refs) {
      if (this.isReferenced(cid)) continue
      this.#sql.run('UPDATE blobs SET idle_since_ms = ? WHERE cid = ?', [timeMs, cid])
    }
  }

  /** Notes anew which records mention which blobs, given all records, inside a transaction. */
  relink(
    records: Iterable<{ path: string; rev: Tid; value: Uint8Array }>,
    blobsOf: (value: Uint8Array) => readonly BlobRef[],
  ): void {
    this.#sql.run('DELETE FROM blob_refs')
    for (const { path, rev, value } of records) {
      for (const { cid } of blobsOf(value)) this.link(cid, path, rev)
    }
    this.#sql.run(`UPDATE blobs SET idle_since_ms = NULL WHERE cid IN (SELECT cid FROM blob_refs)`)
  }

  /** A blob is public while a record refers to it. */
  isReferenced(cid: CidBytes): boolean {
    return this.#sql.get('SELECT 1 AS x FROM blob_refs WHERE cid = ? LIMIT 1', [cid]) !== undefined
  }

  /** Referenced blobs in CID order; `since` keeps those first mentioned after that rev. */
  list({ limit, cursor, since }: { limit: number; cursor?: CidBytes; since?: Tid }): CidBytes[] {
    const rows = this.#sql.all<{ cid: Uint8Array }>(
      `SELECT cid FROM blob_refs WHERE cid > ? AND rev > ? GROUP BY cid ORDER BY cid LIMIT ?`,
      [cursor ?? new Uint8Array(), since ?? '', limit],
    )
    return rows.map((row) => row.cid)
  }

  /** Referenced blobs whose bytes are not here, in CID order. */
  listMissing({ limit, cursor }: { limit: number; cursor?: CidBytes }): {
    cid: CidBytes
    path: string
  }[] {
    return this.#sql.all(
      `SELECT r.cid AS cid, min(r.path) AS path FROM blob_refs r
       WHERE r.cid > ? AND NOT EXISTS (SELECT 1 FROM blobs b WHERE b.cid = r.cid)
       GROUP BY r.cid ORDER BY r.cid LIMIT ?`,
      [cursor ?? new Uint8Array(), limit],
    )
  }

  /** How many blobs are here, and how many are mentioned. */
  counts(): { expectedBlobs: number; importedBlobs: number } {
    const one = (sql: string) => this.#sql.get<{ n: number }>(sql)?.n ?? 0
    return {
      expectedBlobs: one('SELECT count(DISTINCT cid) AS n FROM blob_refs'),
      importedBlobs: one('SELECT count(*) AS n FROM blobs'),
    }
  }

  /** Every uploaded blob. */
  uploaded(): Iterable<BlobRef & { uploadedMs: number }> {
    return this.#sql.iterate(
      'SELECT cid, mime_type AS mimeType, size, uploaded_ms AS uploadedMs FROM blobs',
    )
  }

  /** Takes over the rows of another generation of the file. */
  takeFrom(other: BlobRows): void {
    this.#bytes = undefined
    for (const { uploadedMs, ...blob } of other.uploaded()) this.put(blob, uploadedMs)
  }
}
