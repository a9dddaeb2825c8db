import { type CidBytes, decodeCbor } from '#protocol/data'
import { validateRecord } from '#protocol/lexicon'
import type { CommitEvent } from '#protocol/repo'
import type { Did, Tid } from '#protocol/syntax'
import type { Author, Batch, RefusalReason } from './batch.ts'
import { type CollectionIndex, UnusableRecord } from './collection.ts'
import type { Collections } from './collections.ts'

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
export type CommitVerdict = 'applied' | 'applied-known' | 'applied-repair' | 'old'

/** A record checked before any transaction is open. */
export interface PreparedRecord {
  cid: CidBytes
  value: unknown
}

/** Why a record cannot be indexed. */
export interface RecordRefusal {
  cid: CidBytes
  reason: RefusalReason
  detail: string
}

interface PreparedOp {
  index: CollectionIndex
  path: string
  rkey: string
  /** Undefined for a delete, and for a record that cannot be indexed: what was there goes too. */
  record: PreparedRecord | undefined
  /** Undefined for a delete. */
  refusal: RecordRefusal | undefined
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
  { collections, count }: { collections: Collections; count: CountRecord },
): PreparedCommit {
  const { repo: did, rev, since, blocks, tooBig } = event
  const ops: PreparedOp[] = []
  let isIncomplete = tooBig
  for (const { action, path, cid } of event.ops) {
    const slash = path.indexOf('/')
    const collection = path.slice(0, slash)
    const index = collections.get(collection)
    if (index === undefined) {
      count('other', 'ignored')
      continue
    }
    const rkey = path.slice(slash + 1)
    if (action === 'delete') {
      ops.push({ index, path, rkey, record: undefined, refusal: undefined })
      continue
    }
    const bytes = cid === null ? undefined : blocks.get(cid)
    if (bytes === undefined) {
      count(collection, 'missing')
      isIncomplete = true
      continue
    }
    const checked = checkedRecord(collection, cid!, bytes)
    if ('reason' in checked) {
      count(collection, checked.reason as RecordVerdict)
      ops.push({ index, path, rkey, record: undefined, refusal: checked })
    } else ops.push({ index, path, rkey, record: checked, refusal: undefined })
  }
  return { did, rev, since, seenMs: seenMsOf(event.time, nowMs), ops, isIncomplete }
}

/** The value of a record's block when it may be indexed, or why not. Unknown collections need no schema. */
export function checkedRecord(
  collection: string,
  cid: CidBytes,
  bytes: Uint8Array,
): PreparedRecord | RecordRefusal {
  let value: unknown
  try {
    value = decodeCbor(bytes)
  } catch (error) {
    return { cid, reason: 'undecodable', detail: (error as Error).message }
  }
  // What was right when it was written stays in: pictures were named otherwise until 2023.
  const verdict = validateRecord(collection, value, { strict: false })
  if (verdict.status === 'invalid') return { cid, reason: 'invalid', detail: verdict.message }
  return { cid, value }
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
    if (op.refusal === undefined) count(op.index.collection, verdict)
    if (author.repair !== undefined) await batch.markFresh(author.aid, op.path, commit.rev)
  }
  batch.setAuthor(author, { rev: commit.rev })
  return repair === undefined ? 'applied' : 'applied-repair'
}

/**
 * Applies a commit of an account whose records are not followed: of what was looked up, what is
 * deleted goes, and the profile changes.
 */
export async function applyToKnown(batch: Batch, { did, seenMs, ops }: PreparedCommit) {
  const { aid } = await batch.author(did)
  for (const { index, rkey, record } of ops) {
    if (record === undefined) await index.remove(batch, aid, rkey)
    else if (index.collection === 'app.bsky.actor.profile')
      await putRecord(batch, index, { aid, did, rkey, seenMs, ...record })
  }
  return 'applied-known' as const
}

async function applyOp(
  batch: Batch,
  { aid, did }: Author,
  { seenMs }: PreparedCommit,
  { index, path, rkey, record, refusal }: PreparedOp,
): Promise<RecordVerdict> {
  if (record !== undefined) return putRecord(batch, index, { aid, did, rkey, seenMs, ...record })
  // What was there before is not what the account says any more.
  await index.remove(batch, aid, rkey)
  if (refusal !== undefined) await batch.refuse({ aid, path, ...refusal })
  return 'removed'
}

/** Puts one checked record into its index. */
export async function putRecord(
  batch: Batch,
  index: CollectionIndex,
  record: Parameters<CollectionIndex['put']>[1],
): Promise<RecordVerdict> {
  try {
    await index.put(batch, record)
    await batch.scope?.touched(batch, index, record)
    return 'indexed'
  } catch (error) {
    if (!(error instanceof UnusableRecord)) throw error
    const { aid, rkey, cid } = record
    await index.remove(batch, aid, rkey)
    const path = `${index.collection}/${rkey}`
    await batch.refuse({ aid, path, cid, reason: 'unusable', detail: error.message })
    return 'unusable'
  }
}

/**
 * Why the repo must be fetched, if it must: it had a life before we first saw it, commits of it
 * passed us by, or it began anew. A repo being fetched already is fetched up to the newest commit that asks for it.
 */
function repairReason(author: Author, commit: PreparedCommit): string | undefined {
  if (commit.isIncomplete) return 'incomplete'
  if (commit.since === (author.rev ?? null)) return undefined
  if (commit.since === null) return 'anew'
  return author.rev === undefined ? 'new' : 'gap'
}

/** When the network saw a commit: what the upstream says, unless that is later than now. */
function seenMsOf(time: string, nowMs: number): number {
  const ms = Date.parse(time)
  return Number.isNaN(ms) ? nowMs : Math.min(ms, nowMs)
}
