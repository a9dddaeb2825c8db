import { openSqliteReader, type SqliteReader, type Stream } from '#platform/storage'
import { cidForCbor } from '#protocol/crypto'
import { type BlobRef, type CidBytes, cidText, equalBytes } from '#protocol/data'
import { Tree } from '#protocol/repo'
import type { Tid } from '#protocol/syntax'
import type { RecordRow } from '../account-files/index.ts'
import type { Account } from '../accounts/index.ts'
import { decodeBlobEntry } from '../blobs/index.ts'
import { decodeSwitch } from '../imports/index.ts'
import { Kind } from '../journal/index.ts'
import { changeOfFrame } from '../repos/index.ts'
import { opens } from './check-file.ts'

const DEADLINE_MS = 60 * 60 * 1000
const CID_BYTES = 36

/** What is left of an account: of its file, and of what the journal still has. */
export interface Salvage {
  records: Map<string, RecordRow>
  blobs: Map<string, BlobRef & { uploadedMs: number }>
  preferences: Uint8Array | undefined
  /** The newest rev that is known of. */
  rev: Tid | undefined
  /** Paths whose records could not be read anywhere. */
  lost: Set<string>
}

/** Reads what can be read of a damaged file, then lets the journal, which is the truth, correct it. */
export async function salvage(path: string, account: Account, stream: Stream): Promise<Salvage> {
  const found: Salvage = {
    records: new Map(),
    blobs: new Map(),
    preferences: undefined,
    rev: undefined,
    lost: new Set(),
  }
  const appliedSeq = readFile(path, account, found)
  await readJournal(account, stream, appliedSeq, found)
  return found
}

/** Whatever throws is left out. */
function attempt(work: () => void): boolean {
  try {
    work()
    return true
  } catch {
    return false
  }
}

/** Returns the journal's seq that the file reflects; 0 when that cannot be told. */
function readFile(path: string, account: Account, found: Salvage): number {
  let reader: SqliteReader | undefined
  let appliedSeq = 0
  attempt(() => {
    reader = openSqliteReader(path, { deadlineMs: DEADLINE_MS })
  })
  if (!reader) return 0
  const from = reader
  try {
    attempt(() => {
      const head = from.get<{ applied_seq: number; rev: Tid | null }>('SELECT * FROM head')
      appliedSeq = head?.applied_seq ?? 0
      found.rev = head?.rev ?? undefined
    })
    // From both ends: what lies between is on the damaged pages.
    if (!readRecords(from, 'ASC', found)) readRecords(from, 'DESC', found)
    attempt(() => nameLost(from, found))
    attempt(() => {
      for (const { cid, mimeType, size, uploadedMs } of from.iterate<
        BlobRef & { uploadedMs: number }
      >('SELECT cid, mime_type AS mimeType, size, uploaded_ms AS uploadedMs FROM blobs')) {
        found.blobs.set(cidText(cid), { cid: cid.slice(), mimeType, size, uploadedMs })
      }
    })
    attempt(() => {
      const sealed = from.get<{ sealed: Uint8Array }>('SELECT sealed FROM preferences')?.sealed
      if (sealed && opens(account, sealed)) found.preferences = sealed
    })
  } finally {
    attempt(() => from.close())
  }
  return appliedSeq
}

/** The stored tree, where it is whole, names every record that there should be. */
function nameLost(reader: SqliteReader, found: Salvage): void {
  const head = reader.get<{ data: CidBytes | null; nodes_root: CidBytes | null }>(
    'SELECT data, nodes_root FROM head',
  )
  if (!head?.data || !head.nodes_root || !equalBytes(head.data, head.nodes_root)) return
  const tree = Tree.open(head.data, {
    get: (cid) =>
      reader.get<{ bytes: Uint8Array }>('SELECT bytes FROM nodes WHERE cid = ?', [cid])?.bytes,
  })
  for (const { path } of tree.walk()) {
    if (path !== undefined && !found.records.has(path)) found.lost.add(path)
  }
}

/** Whether it came to the end. */
function readRecords(reader: SqliteReader, order: 'ASC' | 'DESC', found: Salvage): boolean {
  return attempt(() => {
    const rows = reader.iterate<{ path: string; block: Uint8Array }>(
      `SELECT path, block FROM records ORDER BY path ${order}`,
    )
    for (const { path, block } of rows) {
      if (found.records.has(path)) return
      const cid = block.slice(0, CID_BYTES)
      const value = block.slice(CID_BYTES)
      if (equalBytes(cidForCbor(value), cid)) found.records.set(path, { path, cid, value })
      else found.lost.add(path)
    }
  })
}

/** What the journal says of the account, in order; of what the file reflects only what it lacks. */
async function readJournal(
  account: Account,
  stream: Stream,
  appliedSeq: number,
  found: Salvage,
): Promise<void> {
  let old = new Map<string, RecordRow | undefined>()
  const ofFile = { records: new Map(found.records), lost: new Set(found.lost) }
  for await (const batch of stream.tail(account.bornSeq)) {
    for (const { key, kind, seq, payload, blanked } of batch) {
      if (key !== account.did || blanked) continue
      if (kind === Kind.commit || kind === Kind.quietCommit) {
        const change = changeOfFrame(payload, true)
        if (!found.rev || change.rev > found.rev) found.rev = change.rev
        for (const { path, cid, value } of change.ops) {
          const row = cid && value ? { path, cid: cid.slice(), value: value.slice() } : undefined
          if (seq <= appliedSeq) {
            old.set(path, row)
            continue
          }
          old.delete(path)
          setRecord(found, path, row)
        }
      } else if (kind === Kind.importSwitch) {
        const { head } = decodeSwitch(payload)
        if (!found.rev || head.rev > found.rev) found.rev = head.rev
        // Nothing of before is in what came in, unless what came in is what there was, rebuilt.
        old = new Map()
        if (seq > appliedSeq && !isRepository(found, head.data)) {
          found.records = new Map(ofFile.records)
          found.lost = new Set(ofFile.lost)
        }
      } else if (kind === Kind.preferences) {
        if ((seq > appliedSeq || !found.preferences) && opens(account, payload)) {
          found.preferences = payload.slice()
        }
      } else if (kind === Kind.blob) {
        const blob = decodeBlobEntry(payload)
        found.blobs.set(cidText(blob.cid), blob)
      }
    }
  }
  for (const [path, row] of old) if (row && !found.records.has(path)) setRecord(found, path, row)
}

function isRepository({ records }: Salvage, root: CidBytes): boolean {
  const entries = Array.from(records.values(), ({ path, cid }) => [path, cid] as [string, CidBytes])
  return equalBytes(Tree.build(entries.sort(([a], [b]) => (a < b ? -1 : 1))).root(), root)
}

function setRecord(found: Salvage, path: string, row: RecordRow | undefined): void {
  found.lost.delete(path)
  if (row) found.records.set(path, row)
  else found.records.delete(path)
}
