import { type BlobRef, blobRefs, decodeCbor, equalBytes } from '#protocol/data'
import { type CommitPlan, decodeCommit, parseCommitEvent } from '#protocol/repo'
import { datetimeMs, type Tid } from '#protocol/syntax'
import { decodeFrame } from '#protocol/xrpc'
import type { AccountFile, CommitChange, RecordChange } from '../account-files/index.ts'
import type { PlannedWrite } from './planned-write.ts'

/** What a planned commit does to the account's file. Of writes to one path the last one counts. */
export function changeOfPlan(
  plan: CommitPlan,
  writes: readonly PlannedWrite[],
  announced: boolean,
  timeMs: number,
  announcedRev?: Tid,
): CommitChange {
  const byPath = new Map(writes.map((write) => [write.path, write]))
  const ops = plan.ops.map(({ path, cid, prev }): RecordChange => {
    if (!cid) return { path, isNew: false }
    const { bytes: value, blobs } = byPath.get(path)!
    return { path, isNew: prev === null, cid, value, blobs }
  })
  const { rev, commit, data } = plan.head
  const prevData = plan.prevData ?? undefined
  return {
    rev,
    commit,
    data,
    bytes: plan.commitBytes,
    prevData,
    announced,
    announcedRev,
    timeMs,
    ops,
  }
}

/** Reads the same change back from a journalled `#commit` frame; throws on a damaged one. */
export function changeOfFrame(frame: Uint8Array, announced: boolean): CommitChange {
  const decoded = decodeFrame(frame)
  if (!('type' in decoded)) throw new Error('journalled frame is an error frame')
  const event = parseCommitEvent(decoded.body)
  if (!event.ok) throw new Error(`journalled commit is damaged: ${event.detail}`)
  const { commit, rev, since, ops, prevData, blocks, time } = event.event
  const bytes = blocks.get(commit)
  if (!bytes) throw new Error('journalled commit has no commit block')
  const { data } = decodeCommit(bytes)
  return {
    rev,
    commit,
    data,
    bytes,
    prevData,
    announced,
    // Of a quiet commit it is what the network knows, and not always what it knew before.
    ...(!announced && since && { announcedRev: since }),
    timeMs: datetimeMs(time),
    ops: ops.map(({ path, cid, prev }): RecordChange => {
      if (!cid) return { path, isNew: false }
      const value = blocks.get(cid)
      if (!value) throw new Error(`journalled commit misses the record ${path}`)
      return { path, isNew: prev === null, cid, value, blobs: refsOf(value) }
    }),
  }
}

/** Applies a change on the file whose head it follows; throws when there is a gap. */
export function applyChange(file: AccountFile, change: CommitChange): void {
  const head = file.head()
  const follows = change.prevData
    ? head !== undefined && equalBytes(head.data, change.prevData) && head.rev < change.rev
    : head === undefined
  if (!follows) throw new Error(`commit ${change.rev} does not follow the head of ${file.path}`)
  file.applyCommit(change)
}

export function refsOf(value: Uint8Array): readonly BlobRef[] {
  return blobRefs(decodeCbor(value))
}
