import { type SqliteFile, StorageError } from '#platform/storage'
import { verifyCid } from '#protocol/crypto'
import type { BlobRef, CidBytes } from '#protocol/data'
import type { NodeSource } from '#protocol/repo'
import type { Tid } from '#protocol/syntax'
import { BlobRows } from './blob-rows.ts'
import { type NodePlace, type PlacedNode, placeNodes, WalkPlaces } from './node-places.ts'
import { SubjectRows } from './subjects.ts'

/** The newest applied commit of the repository in this file. */
export interface FileHead {
  rev: Tid
  commit: CidBytes
  data: CidBytes
  /** The signed commit block. */
  bytes: Uint8Array
  /** Rev of the newest commit that the network was told of; undefined before the first. */
  announcedRev: Tid | undefined
  /** The tree does not follow from what was announced: the network is told by a `#sync`. */
  diverged: boolean
}

/** What one commit does to the file: computed by a writer, or read back from the journal. */
export interface CommitChange {
  rev: Tid
  commit: CidBytes
  data: CidBytes
  bytes: Uint8Array
  /** Root of the tree before; undefined for a repository's first commit. */
  prevData: CidBytes | undefined
  announced: boolean
  /** The newest rev the network knows, of an account that is still elsewhere. */
  announcedRev?: Tid | undefined
  /** When it was made. */
  timeMs: number
  ops: readonly RecordChange[]
}

/** One record set (`cid` and `value`) or removed (`cid` undefined). */
export interface RecordChange {
  path: string
  /** There was no record at this path. */
  isNew: boolean
  cid?: CidBytes | undefined
  value?: Uint8Array | undefined
  blobs?: readonly BlobRef[]
}

export interface RecordRow {
  path: string
  cid: CidBytes
  value: Uint8Array
}

/** Records one after the other, as a list is read: the blocks (CID and bytes) as one array. */
export interface RecordList {
  blocks: Uint8Array
  /** Of each block. */
  sizes: number[]
  rkeys: string[]
}

interface BlockRow {
  path: string
  /** CID and bytes. */
  block: Uint8Array
}

const CID_BYTES = 36

const rowOf = ({ path, block }: BlockRow): RecordRow => ({
  path,
  cid: block.subarray(0, CID_BYTES),
  value: block.subarray(CID_BYTES),
})

interface HeadRow {
  applied_seq: number
  rev: Tid | null
  cid: Uint8Array | null
  data: Uint8Array | null
  bytes: Uint8Array | null
  announced_rev: Tid | null
  diverged: number
  nodes_root: Uint8Array | null
}

/** '0' follows '/' in ASCII: the paths of a collection lie between `name/` and `name0`. */
const collectionEnd = (collection: string) => `${collection}0`

/** As one row, for a row of its own costs more than a record. Record keys have no spaces. */
const listSql = (order: 'ASC' | 'DESC') => `
SELECT CAST(group_concat(block, '') AS BLOB) AS blocks,
  '[' || group_concat(length(block)) || ']' AS sizes,
  group_concat(substr(path, ?), ' ') AS rkeys
FROM (SELECT path, block FROM records WHERE path > ? AND path < ? ORDER BY path ${order} LIMIT ?)`
const LIST = listSql('DESC')
const LIST_REVERSED = listSql('ASC')

/**
 * One account's file: records, the lazily written tree, blobs and preferences, with `appliedSeq`,
 * the journal sequence number it reflects. Every method is synchronous; changes belong inside
 * `transaction`, which the appliers of the journal open.
 */
export class AccountFile {
  readonly #sql: SqliteFile
  readonly #damaged: (error: StorageError) => unknown
  readonly path: string
  readonly blobs: BlobRows
  readonly subjects: SubjectRows
  /** The row `head`, kept: this object is the file's only writer. */
  #row: HeadRow | undefined

  /** `damaged` is told when the file holds other bytes than were written; what it returns is thrown. */
  constructor(sql: SqliteFile, path: string, damaged: (error: StorageError) => unknown) {
    this.#sql = sql
    this.path = path
    this.#damaged = damaged
    this.blobs = new BlobRows(sql)
    this.subjects = new SubjectRows(sql)
  }

  /** Reports that the file does not hold what it should, and returns what is to be thrown. */
  damaged(what: string): unknown {
    return this.#damaged(new StorageError('Corrupt', `${this.path}: ${what}`))
  }

  appliedSeq(): number {
    return this.#headRow().applied_seq
  }

  /** Undefined until the first commit is applied. */
  head(): FileHead | undefined {
    const row = this.#headRow()
    if (!row.rev || !row.cid || !row.data || !row.bytes) return undefined
    const announcedRev = row.announced_rev ?? undefined
    const { rev, cid: commit, data, bytes, diverged } = row
    return { rev, commit, data, bytes, announcedRev, diverged: diverged === 1 }
  }

  #headRow(): HeadRow {
    this.#row ??= this.#sql.get<HeadRow>('SELECT * FROM head WHERE id = 0')
    if (!this.#row) {
      throw this.damaged('it has no head')
    }
    return this.#row
  }

  #change(fields: Partial<HeadRow>): void {
    this.#row = { ...this.#headRow(), ...fields }
  }

  transaction<T>(work: () => T): T {
    return this.#sql.transaction(work)
  }

  /** Runs `work`, which applies journal entries up to `seq`, and notes that it did, all or nothing. */
  applying(seq: number, work: () => void): void {
    try {
      this.#sql.transaction(() => {
        work()
        this.#change({ applied_seq: seq })
        const { rev, cid, data, bytes, announced_rev, diverged } = this.#headRow()
        this.#sql.run(
          `UPDATE head SET applied_seq = ?, rev = ?, cid = ?, data = ?, bytes = ?, announced_rev = ?,
             diverged = ? WHERE id = 0`,
          [seq, rev, cid, data, bytes, announced_rev, diverged],
        )
      })
    } catch (error) {
      this.#row = undefined
      this.blobs.forgetSums()
      this.subjects.forget()
      throw error
    }
  }

  /** Applies one commit, inside `applying`. The caller has checked that it follows the head. */
  applyCommit(change: CommitChange): void {
    for (const op of change.ops) this.#applyOp(op, change)
    this.#change({
      rev: change.rev,
      cid: change.commit,
      data: change.data,
      bytes: change.bytes,
      ...(change.announced && { announced_rev: change.rev }),
      ...(change.announcedRev !== undefined && { announced_rev: change.announcedRev }),
    })
  }

  #applyOp(op: RecordChange, { rev, timeMs, announced }: CommitChange): void {
    if (!op.isNew) {
      this.blobs.unlink(op.path, timeMs)
      this.subjects.drop(op.path)
    }
    if (!op.cid || !op.value) {
      this.#sql.run('DELETE FROM records WHERE path = ?', [op.path])
      return
    }
    this.putRecord({ path: op.path, cid: op.cid, value: op.value }, rev, op.blobs)
    for (const blob of op.blobs ?? []) {
      if (announced) this.blobs.mentioned(blob, timeMs)
      else this.blobs.wanted(blob.cid)
    }
  }

  putRecord({ path, cid, value }: RecordRow, rev: Tid, blobs: readonly BlobRef[] = []): void {
    const block = new Uint8Array(CID_BYTES + value.byteLength)
    block.set(cid)
    block.set(value, CID_BYTES)
    this.#sql.run(
      `INSERT INTO records (path, rev, block) VALUES (?, ?, ?)
       ON CONFLICT (path) DO UPDATE SET rev = excluded.rev, block = excluded.block`,
      [path, rev, block],
    )
    for (const blob of blobs) this.blobs.link(blob.cid, path, rev)
    this.subjects.put(path, block)
  }

  /** Begins a staged generation, inside `applying`. */
  setHead(head: FileHead): void {
    const { rev, commit: cid, data, bytes } = head
    const diverged = head.diverged ? 1 : 0
    this.#change({ rev, cid, data, bytes, announced_rev: head.announcedRev ?? null, diverged })
  }

  /** Notes that the network was told of the head as it is, inside `applying`. */
  announceHead(): void {
    this.#change({ announced_rev: this.#headRow().rev, diverged: 0 })
  }

  record(path: string): RecordRow | undefined {
    const block = this.block(path)
    return block && rowOf({ path, block })
  }

  /**
   * CID and bytes of the record at a path. The hash is checked: what a disk has changed is never
   * handed out as somebody's words.
   */
  block(path: string): Uint8Array | undefined {
    const row = this.#sql.get<{ block: Uint8Array }>('SELECT block FROM records WHERE path = ?', [
      path,
    ])
    if (!row) return undefined
    const { block } = row
    if (verifyCid(block.subarray(0, CID_BYTES), block.subarray(CID_BYTES))) return block
    throw this.damaged(`the record ${path} is damaged`)
  }

  revOf(path: string): Tid | undefined {
    return this.#sql.get<{ rev: Tid }>('SELECT rev FROM records WHERE path = ?', [path])?.rev
  }

  /** Of the `scan` greatest keys of a collection, greatest first: those written after a rev. */
  newest(
    collection: string,
    { scan, after }: { scan: number; after: Tid },
  ): (RecordRow & { rev: Tid })[] {
    const rows = this.#sql.all<BlockRow & { rev: Tid }>(
      `SELECT path, rev, block FROM (
         SELECT path, rev, block FROM records WHERE path > ? AND path < ? ORDER BY path DESC LIMIT ?
       ) WHERE rev > ?`,
      [`${collection}/`, collectionEnd(collection), scan, after],
    )
    return rows.map((row) => ({ ...rowOf(row), rev: row.rev }))
  }

  /** Records of a collection by rkey: newest keys first, or `reverse`, strictly after `cursor`. */
  list(
    collection: string,
    { limit, cursor, reverse }: { limit: number; cursor?: string; reverse?: boolean },
  ): RecordList {
    const [from, to] = [`${collection}/`, collectionEnd(collection)]
    const after = cursor && `${collection}/${cursor}`
    const range = reverse ? [after ?? from, to] : [from, after ?? to]
    const row = this.#sql.get<{ blocks: Uint8Array | null; sizes: string; rkeys: string }>(
      reverse ? LIST_REVERSED : LIST,
      [from.length + 1, ...range, limit],
    )
    if (!row?.blocks) return { blocks: new Uint8Array(0), sizes: [], rkeys: [] }
    return { blocks: row.blocks, sizes: JSON.parse(row.sizes), rkeys: row.rkeys.split(' ') }
  }

  /** Names of the collections that hold a record: one index seek for each. */
  collections(): string[] {
    const found: string[] = []
    let after = ''
    for (;;) {
      const next = this.#sql.get<{ path: string }>(
        'SELECT path FROM records WHERE path >= ? ORDER BY path LIMIT 1',
        [after],
      )
      if (!next) return found
      const collection = next.path.slice(0, next.path.indexOf('/'))
      found.push(collection)
      after = collectionEnd(collection)
    }
  }

  counts(): { records: number; nodes: number } {
    const one = (sql: string) => this.#sql.get<{ n: number }>(sql)?.n ?? 0
    return {
      records: one('SELECT count(*) AS n FROM records'),
      nodes: one('SELECT count(*) AS n FROM nodes'),
    }
  }

  /** Every record, in the order of the tree. */
  *allRecords(): Iterable<RecordRow & { rev: Tid }> {
    let after = ''
    for (;;) {
      const rows = this.#sql.all<BlockRow & { rev: Tid }>(
        'SELECT path, rev, block FROM records WHERE path > ? ORDER BY path LIMIT 1000',
        [after],
      )
      for (const row of rows) yield { ...rowOf(row), rev: row.rev }
      if (rows.length < 1000) return
      after = rows.at(-1)!.path
    }
  }

  /** Paths and CIDs in tree order, to rebuild the tree. */
  entries(): Iterable<{ path: string; cid: CidBytes }> {
    return this.#sql.iterate(
      `SELECT path, substr(block, 1, ${CID_BYTES}) AS cid FROM records ORDER BY path`,
    )
  }

  /** Notes what up to `limit` more records are about; true when that is known of all. */
  noteSubjects(limit: number): boolean {
    if (this.subjects.isNoted()) return true
    try {
      return this.transaction(() => this.subjects.noteSome(limit))
    } catch (error) {
      this.subjects.forget()
      throw error
    }
  }

  // ── tree nodes, written lazily ──

  nodesRoot(): CidBytes | undefined {
    return this.#headRow().nodes_root ?? undefined
  }

  readonly nodes: NodeSource = {
    // They were made here, or judged when they were imported: their hashes say that they are the same.
    leveled: true,
    get: (cid) =>
      this.#sql.get<{ bytes: Uint8Array }>('SELECT bytes FROM nodes WHERE cid = ?', [cid])?.bytes,
  }

  /**
   * Makes `nodes` hold the tree with this root. When `removed` is 'all', all nodes are replaced, and
   * those that are added come in the order of a walk.
   */
  writeNodes(
    root: CidBytes,
    rev: Tid,
    added: Iterable<readonly [CidBytes, Uint8Array]>,
    removed: Iterable<CidBytes> | 'all',
  ): void {
    this.transaction(() => {
      if (removed === 'all') {
        this.#sql.run('DELETE FROM nodes')
        const places = new WalkPlaces()
        for (const [cid, bytes] of added) this.#putNodes(places.add(cid, bytes), rev)
      } else {
        // Placed first: what is removed below may tell where an added one stands.
        const placed = placeNodes(added, this.#placeOf)
        for (const cid of removed) this.#sql.run('DELETE FROM nodes WHERE cid = ?', [cid])
        this.#putNodes(placed, rev)
      }
      this.#sql.run('UPDATE head SET nodes_root = ? WHERE id = 0', [root])
    })
    this.#change({ nodes_root: root })
  }

  readonly #placeOf = (cid: CidBytes): NodePlace | undefined =>
    this.#sql.get('SELECT path, rank FROM nodes WHERE cid = ?', [cid])

  #putNodes(nodes: readonly PlacedNode[], rev: Tid): void {
    for (const [cid, bytes, { path, rank }] of nodes) {
      this.#sql.run(
        'INSERT OR REPLACE INTO nodes (path, rank, cid, rev, bytes) VALUES (?, ?, ?, ?, ?)',
        [path, rank, cid, rev, bytes],
      )
    }
  }

  // ── staging: a generation that is being imported ──

  /** Puts aside blocks that came before their turn. */
  spill(blocks: Iterable<readonly [CidBytes, Uint8Array]>): void {
    this.transaction(() => {
      this.#sql.exec(
        'CREATE TABLE IF NOT EXISTS spill (cid BLOB PRIMARY KEY, bytes BLOB) WITHOUT ROWID',
      )
      for (const [cid, bytes] of blocks) {
        this.#sql.run('INSERT OR IGNORE INTO spill (cid, bytes) VALUES (?, ?)', [cid, bytes])
      }
    })
  }

  spilled(cid: CidBytes): Uint8Array | undefined {
    return this.#sql.get<{ bytes: Uint8Array }>('SELECT bytes FROM spill WHERE cid = ?', [cid])
      ?.bytes
  }

  #stagedPlaces = new WalkPlaces()

  /** Puts the next node of a walk of the tree that is staged. */
  stageNode(cid: CidBytes, bytes: Uint8Array, rev: Tid): void {
    this.#putNodes(this.#stagedPlaces.add(cid, bytes), rev)
  }

  #hasStagedIndex = false

  /** A record staged earlier: one block may stand at many paths. */
  stagedRecord(cid: CidBytes): Uint8Array | undefined {
    if (!this.#hasStagedIndex) {
      this.#sql.exec(
        `CREATE INDEX IF NOT EXISTS staged_cid ON records (substr(block, 1, ${CID_BYTES}))`,
      )
      this.#hasStagedIndex = true
    }
    const row = this.#sql.get<BlockRow>(
      `SELECT path, block FROM records WHERE substr(block, 1, ${CID_BYTES}) = ?`,
      [cid],
    )
    return row && rowOf(row).value
  }

  /** All records and nodes of the tree with this root are here. */
  endStaging(root: CidBytes): void {
    this.#sql.exec('DROP INDEX IF EXISTS staged_cid; DROP TABLE IF EXISTS spill')
    this.#hasStagedIndex = false
    this.#sql.run('UPDATE head SET nodes_root = ? WHERE id = 0', [root])
    this.#change({ nodes_root: root })
  }

  /** Takes over what a repository's export does not hold: uploaded blobs, preferences. */
  takePrivateState(from: AccountFile): void {
    this.blobs.takeFrom(from.blobs)
    const preferences = from.preferences()
    if (preferences) this.putPreferences(preferences)
  }

  // ── preferences ──

  preferences(): Uint8Array | undefined {
    return this.#sql.get<{ sealed: Uint8Array }>('SELECT sealed FROM preferences WHERE id = 0')
      ?.sealed
  }

  forgetPreferences(): void {
    this.#sql.run('DELETE FROM preferences')
  }

  putPreferences(sealed: Uint8Array): void {
    this.#sql.run('INSERT OR REPLACE INTO preferences (id, sealed) VALUES (0, ?)', [sealed])
  }

  // ── the file itself ──

  /** Most memory that pages of the file take up; what is over is freed at once. */
  limitCache(kb: number): void {
    this.#sql.exec(`PRAGMA cache_size = -${kb}`)
  }

  sync(): Promise<void> {
    return this.#sql.sync()
  }

  close(): void {
    this.#sql.close()
  }
}
