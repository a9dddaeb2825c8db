import { sealer } from '#platform/runtime'
import { openSqliteReader, type SqliteReader } from '#platform/storage'
import { cidForCbor } from '#protocol/crypto'
import { blobRefs, type CidBytes, cidText, decodeCbor, equalBytes } from '#protocol/data'
import { decodeCommit, Tree, verifyCommitSignature } from '#protocol/repo'
import type { Tid } from '#protocol/syntax'
import type { Account } from '../accounts/index.ts'
import type { Problem, ProblemKind } from './report.ts'

/** A check of a large account may take this long; it holds back the folding of the file's log. */
const DEADLINE_MS = 60 * 60 * 1000
/** Names told of each kind of damage; the rest is counted. */
const TOLD_MAX = 5
const CID_BYTES = 36

export interface FileFindings {
  problems: Problem[]
  records: number
  appliedSeq: number
  /** Of blobs that records mention: which have a row. */
  referenced: { cid: CidBytes; size: number | undefined }[]
}

interface HeadRow {
  applied_seq: number
  rev: Tid | null
  cid: CidBytes | null
  data: CidBytes | null
  bytes: Uint8Array | null
  nodes_root: CidBytes | null
}

/** Looks at everything in one account's file, on a connection of its own, changing nothing. */
export function checkFile(path: string, account: Account): FileFindings {
  const findings: FileFindings = { problems: [], records: 0, appliedSeq: 0, referenced: [] }
  let reader: SqliteReader | undefined
  try {
    reader = openSqliteReader(path, { deadlineMs: DEADLINE_MS })
    new FileCheck(reader, account, findings).run()
  } catch (error) {
    const kind = reader ? 'damaged-file' : 'unreadable'
    findings.problems.push({ kind, detail: (error as Error).message })
  } finally {
    reader?.close()
  }
  return findings
}

class FileCheck {
  readonly #reader: SqliteReader
  readonly #account: Account
  readonly #findings: FileFindings

  constructor(reader: SqliteReader, account: Account, findings: FileFindings) {
    this.#reader = reader
    this.#account = account
    this.#findings = findings
  }

  #tell(kind: ProblemKind, detail: string): void {
    this.#findings.problems.push({ kind, detail })
  }

  run(): void {
    const told = this.#reader.all<{ integrity_check: string }>('PRAGMA integrity_check(5)')
    const wrong = told.map(({ integrity_check }) => integrity_check).filter((text) => text !== 'ok')
    if (wrong.length > 0) this.#tell('damaged-file', wrong.join('; '))
    const head = this.#reader.get<HeadRow>('SELECT * FROM head WHERE id = 0')
    if (!head) throw new Error('there is no head')
    this.#findings.appliedSeq = head.applied_seq
    this.#checkPreferences()
    const tree = this.#checkRecords()
    if (head.rev && head.cid && head.data && head.bytes) {
      this.#checkCommit(head.bytes, head.cid, head.rev, head.data)
      if (!equalBytes(tree.root(), head.data)) {
        this.#tell(
          'wrong-tree',
          `the records give ${cidText(tree.root())}, not ${cidText(head.data)}`,
        )
      } else if (head.nodes_root && equalBytes(head.nodes_root, head.data)) this.#checkNodes(tree)
    } else if (this.#findings.records > 0) this.#tell('wrong-commit', 'records without a commit')
    this.#findings.referenced = this.#reader.all(
      `SELECT r.cid AS cid, b.size AS size FROM (SELECT DISTINCT cid FROM blob_refs) r
       LEFT JOIN blobs b ON b.cid = r.cid`,
    )
  }

  #checkPreferences(): void {
    const row = this.#reader.get<{ sealed: Uint8Array }>('SELECT sealed FROM preferences')
    if (row && !opens(this.#account, row.sealed)) {
      this.#tell('sealed-preferences', 'they do not open with the key of the account')
    }
  }

  /** The tree of the records as they are named, whether their bytes are sound or not. */
  #checkRecords(): Tree {
    const damaged: string[] = []
    let unlinked = 0
    let refCount = 0
    const paths: [string, CidBytes][] = []
    for (const { path, block } of recordRows(this.#reader)) {
      const cid = block.slice(0, CID_BYTES)
      paths.push([path, cid])
      const refs = refsOfSound(cid, block.subarray(CID_BYTES))
      if (!refs) damaged.push(path)
      for (const ref of refs ?? []) {
        const sql = 'SELECT 1 FROM blob_refs WHERE cid = ? AND path = ?'
        if (this.#reader.get(sql, [ref, path])) refCount++
        else unlinked++
      }
    }
    this.#findings.records = paths.length
    if (damaged.length > 0) this.#tell('damaged-records', named(damaged))
    const { n } = this.#reader.get<{ n: number }>('SELECT count(*) AS n FROM blob_refs')!
    const extra = damaged.length > 0 ? 0 : n - refCount
    if (unlinked > 0 || extra > 0) {
      this.#tell('wrong-blob-references', `${unlinked} missing, ${extra} of no record`)
    }
    return Tree.build(paths)
  }

  #checkCommit(bytes: Uint8Array, cid: CidBytes, rev: Tid, data: CidBytes): void {
    const { did, signingKey } = this.#account
    if (!equalBytes(cidForCbor(bytes), cid)) {
      this.#tell('wrong-commit', 'its hash is another')
      return
    }
    try {
      const commit = decodeCommit(bytes)
      if (commit.did !== did) this.#tell('wrong-commit', `it is of ${commit.did}`)
      if (commit.rev !== rev) this.#tell('wrong-commit', `its rev is ${commit.rev}, not ${rev}`)
      if (!equalBytes(commit.data, data)) this.#tell('wrong-commit', 'it is of another tree')
      if (!verifyCommitSignature(commit, signingKey.publicKey)) {
        this.#tell('wrong-signature', 'the key of the account did not sign the commit')
      }
    } catch (error) {
      this.#tell('wrong-commit', (error as Error).message)
    }
  }

  #checkNodes(tree: Tree): void {
    let wrong = 0
    let count = 0
    for (const [cid, bytes] of tree.blocks()) {
      const sql = 'SELECT bytes FROM nodes WHERE cid = ?'
      const row = this.#reader.get<{ bytes: Uint8Array }>(sql, [cid])
      count++
      if (!row || !equalBytes(row.bytes, bytes)) wrong++
    }
    if (wrong > 0) this.#tell('wrong-nodes', `${wrong} of ${count}`)
  }
}

export function recordRows(
  reader: SqliteReader,
): Iterable<{ path: string; rev: Tid; block: Uint8Array }> {
  return reader.iterate('SELECT path, rev, block FROM records ORDER BY path')
}

/** CIDs of the blobs that a record mentions; undefined when its bytes are not what its CID says. */
function refsOfSound(cid: CidBytes, bytes: Uint8Array): CidBytes[] | undefined {
  if (!equalBytes(cidForCbor(bytes), cid)) return undefined
  const refs = new Map(blobRefs(decodeCbor(bytes)).map((ref) => [cidText(ref.cid), ref.cid]))
  return [...refs.values()]
}

/** Whether preferences open with the account's key. */
export function opens({ dataKey }: Account, sealed: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder().decode(sealer(dataKey).open(sealed, 'preferences')))
    return true
  } catch {
    return false
  }
}

export function named(names: readonly string[]): string {
  const more = names.length > TOLD_MAX ? ` and ${names.length - TOLD_MAX} more` : ''
  return `${names.slice(0, TOLD_MAX).join(', ')}${more}`
}
