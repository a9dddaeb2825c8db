/** What one answer to a standby's pull carries, as bytes. */
import type { Entry } from '#platform/storage'
import { type Bytes, decodeCbor, encodeCbor, fromBytes, toBytes } from '#protocol/data'
import { ProtocolError } from '#protocol/syntax'

/** In the order in which they have to reach the disk. */
export type FeedItem =
  | { kind: 'entry'; entry: Entry }
  /** Changes of the directory, counted from the start of the first host's process. */
  | { kind: 'changes'; change: number; bytes: Uint8Array }
  /** A blob that came in; no entry speaks of it yet. */
  | { kind: 'upload'; did: string; cid: string }

export interface FeedBatch {
  items: FeedItem[]
  /** Newest entry on the first host's disk when this was made, and its newest change. */
  newestSeq: number
  newestChange: number
}

const ENTRY = 0
const CHANGES = 1
const UPLOAD = 2
const NOTHING = new Uint8Array(0)

type Row =
  | [typeof ENTRY, number, string, number, number, Bytes | null]
  | [typeof CHANGES, number, Bytes]
  | [typeof UPLOAD, string, string]

export function encodeBatch({ items, newestSeq, newestChange }: FeedBatch): Uint8Array {
  return encodeCbor({ items: items.map(rowOf), newestSeq, newestChange })
}

function rowOf(item: FeedItem): Row {
  switch (item.kind) {
    case 'entry': {
      const { seq, key, kind, timeMs, payload, blanked } = item.entry
      return [ENTRY, seq, key, kind, Math.trunc(timeMs), blanked ? null : toBytes(payload)]
    }
    case 'changes':
      return [CHANGES, item.change, toBytes(item.bytes)]
    case 'upload':
      return [UPLOAD, item.did, item.cid]
  }
}

/** Throws ProtocolError. */
export function decodeBatch(bytes: Uint8Array): FeedBatch {
  const { items, newestSeq, newestChange } = decodeCbor(bytes) as {
    items: Row[]
    newestSeq: number
    newestChange: number
  }
  const numbers = [newestSeq, newestChange]
  if (!Array.isArray(items) || !numbers.every(Number.isSafeInteger)) {
    throw new ProtocolError('InvalidCbor', 'not an answer for a standby')
  }
  return { items: items.map(itemOf), newestSeq, newestChange }
}

function itemOf(row: Row): FeedItem {
  switch (row[0]) {
    case ENTRY: {
      const [, seq, key, kind, timeMs, given] = row
      const blanked = given === null
      const payload = given === null ? NOTHING : fromBytes(given)
      return { kind: 'entry', entry: { seq, key, kind, timeMs, payload, blanked } }
    }
    case CHANGES:
      return { kind: 'changes', change: row[1], bytes: fromBytes(row[2]) }
    case UPLOAD:
      return { kind: 'upload', did: row[1], cid: row[2] }
    default:
      throw new ProtocolError('InvalidCbor', 'not an answer for a standby')
  }
}
