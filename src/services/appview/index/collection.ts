import type { CidBytes } from '#protocol/data'
import type { Did, Nsid } from '#protocol/syntax'
import type { Batch } from './batch.ts'

/** A record that passed its schema. */
export interface IndexedRecord {
  aid: number
  did: Did
  rkey: string
  cid: CidBytes
  value: unknown
  /** When the network first saw it, as far as we can tell. */
  seenMs: number
}

export interface RkeyRange {
  /** Exclusive; empty for the beginning. */
  after: string
  /** Inclusive; undefined for the end. */
  upTo: string | undefined
  limit: number
}

/** How one collection is indexed. Each has a file named by its NSID. */
export interface CollectionIndex {
  readonly collection: Nsid
  /**
   * Brings the index to this record: nothing when it is there, a replacement when another version
   * is. Counts and notifications change only with rows that came or went, so replay changes nothing.
   * Throws UnusableRecord for what no view could show.
   */
  put(batch: Batch, record: IndexedRecord): Promise<void>
  /** Takes the record out, when it is there. */
  remove(batch: Batch, aid: number, rkey: string): Promise<void>
  /** Record keys of an account in order, within a range. */
  rkeys(batch: Batch, aid: number, range: RkeyRange): Promise<string[]>
}

/** A record that its schema lets pass but that refers to nothing we could index. */
export class UnusableRecord extends Error {
  override readonly name = 'UnusableRecord'
}

/** The earlier of what the author says and when the network saw it, in microseconds. */
export function sortUsOf(createdAt: string, seenMs: number): number {
  const createdMs = Date.parse(createdAt)
  return Math.floor(Number.isNaN(createdMs) ? seenMs : Math.min(createdMs, seenMs)) * 1000
}

/** The record keys query of a table keyed by (aid, rkey). */
export async function rkeysOf(
  table: string,
  batch: Batch,
  aid: number,
  { after, upTo, limit }: RkeyRange,
): Promise<string[]> {
  const rows = await batch.sql.all<{ rkey: string }>(
    `select rkey from ${table} where aid = ? and rkey > ? and rkey <= ? order by rkey limit ?`,
    [aid, after, upTo ?? RKEY_END, limit],
  )
  return rows.map((row) => row.rkey)
}

/** After every record key: they hold no character beyond `~`. */
export const RKEY_END = '\x7f'
