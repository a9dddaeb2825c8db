import { type CidBytes, decodeCbor } from '#protocol/data'
import { validateRecord } from '#protocol/lexicon'
import type { CommitEvent } from '#protocol/repo'
import type { Did, Tid } from '#protocol/syntax'
import type { Author, Batch } from './batch.ts'
import { type CollectionIndex, UnusableRecord } from './collection.ts'
import { collectionIndexes } from './collections.ts'

/** What came of a record; also the label under which it is counted. */
export type RecordVerdict =
  | 'indexed'
  | 'removed'
  | 'ignored'
  | 'invalid'
  | 'unusable'
  | 'undecodable'
  | 'missing'

/** What came of a commit. */
export type CommitVerdict = 'applied' | 'applied-repair' | 'old'

/** A record checked before any transaction is open. */
export interface PreparedRecord {
  cid: CidBytes
  value: unknown
}

interface PreparedOp {
  index: CollectionIndex
  path: string
  rkey: string
  /** Undefined for a delete, and for a record that cannot be indexed: what was there goes too. */
  record: PreparedRecord | undefined
  isDelete: boolean
}

/** A commit with its records decoded and checked: all that needs no database. */
export interface PreparedCommit {
  did: Did
  rev: Tid
  since: Tid | null
  seenMs: number
  ops: PreparedOp[]
  /** The event does not hold all it should: the repo must be fetched. */
  isIncomplete: boolean
}

export type CountRecord = (collection: string, verdict: RecordVerdict) => void

/** Decodes and checks the records of a commit, counting those that cannot be indexed. */
export function prepareCommit(
  event: CommitEvent,
  nowMs: number,
  count: CountRecord,
): PreparedCommit {
  const { repo: did, rev, since, blocks, tooBig } = event
  const ops: PreparedOp[] = []
  let isIncomplete = tooBig
  for (const { action, path, cid } of event.ops) {
    const slash = path.indexOf('/')
    const collection = path.slice(0, slash)
    const index = collectionIndexes.get(collection)
    if (index === undefined) {
      count('other', 'ignored')
      continue
    }
    const rkey = path.slice(slash + 1)
    if (action === 'delete') {
      ops.push({ index, path, rkey, record: undefined, isDelete: true })
      continue
    }
    const bytes = cid === null ? undefined : blocks.get(cid)
    if (bytes === undefined) {
      count(collection, 'missing')
      isIncomplete = true
      continue
    }
    const value = checkedRecord(collection, bytes, count)
    const record = value === undefined ? undefined : { cid: cid!, value }
    ops.push({ index, path, rkey, record, isDelete: false })
  }
  return { did, rev, since, seenMs: seenMsOf(event.time, nowMs), ops, isIncomplete }
}

/** The value of a record's block when it may be indexed. */
export function checkedRecord(
  collection: string,
  bytes: Uint8Array,
  count: CountRecord,
): unknown | undefined {
  let value: unknown
  try {
    value = decodeCbor(bytes)
  } catch {
    count(collection, 'undecodable')
    return undefined
  }
  if (validateRecord(collection, value).status === 'valid') return value
  count(collection, 'invalid')
  return undefined
}

/** Writes a commit into the index. Older than what is there: nothing happens. */
export async function applyCommit(
  batch: Batch,
  commit: PreparedCommit,
  count: CountRecord,
): Promise<CommitVerdict> {
  const author = await batch.author(commit.did)
  if (author.rev !== undefined && commit.rev <= author.rev) return 'old'
  const repair = repairReason(author, commit)
  if (repair !== undefined) await batch.needRepair(author, repair, commit.rev)
  for (const op of commit.ops) {
    const verdict = await applyOp(batch, author, commit, op)
    if (op.isDelete || op.record !== undefined) count(op.index.collection, verdict)
    if (author.repair !== undefined) await batch.markFresh(author.aid, op.path, commit.rev)
  }
  batch.setAuthor(author, { rev: commit.rev })
  return repair === undefined ? 'applied' : 'applied-repair'
}

async function applyOp(
  batch: Batch,
  { aid, did }: Author,
  { seenMs }: PreparedCommit,
  { index, rkey, record }: PreparedOp,
): Promise<RecordVerdict> {
  if (record === undefined) {
    await index.remove(batch, aid, rkey)
    return 'removed'
  }
  return putRecord(batch, index, { aid, did, rkey, seenMs, ...record })
}

/** Puts one checked record into its index. */
export async function putRecord(
  batch: Batch,
  index: CollectionIndex,
  record: Parameters<CollectionIndex['put']>[1],
): Promise<RecordVerdict> {
  try {
    await index.put(batch, record)
    return 'indexed'
  } catch (error) {
    if (!(error instanceof UnusableRecord)) throw error
    await index.remove(batch, record.aid, record.rkey)
    return 'unusable'
  }
}

/**
 * Why the repo must be fetched, if it must: it had a life before we first saw it, or commits of it
 * passed us by. A repo being fetched already is fetched up to the newest commit that asks for it.
 */
function repairReason(author: Author, commit: PreparedCommit): string | undefined {
  if (commit.isIncomplete) return 'incomplete'
  if (commit.since === null || commit.since === author.rev) return undefined
  return author.rev === undefined ? 'new' : 'gap'
}

/** When the network saw a commit: what the upstream says, unless that is later than now. */
function seenMsOf(time: string, nowMs: number): number {
  const ms = Date.parse(time)
  return Number.isNaN(ms) ? nowMs : Math.min(ms, nowMs)
}
