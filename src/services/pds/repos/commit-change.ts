import { type BlobRef, blobRefs, decodeCbor, equalBytes } from '#protocol/data'
import { type CommitPlan, decodeCommit, parseCommitEvent } from '#protocol/repo'
import { decodeFrame } from '#protocol/xrpc'
import type { AccountFile, CommitChange, RecordChange } from '../account-files/index.ts'
import type { PlannedWrite } from './planned-write.ts'

/** What a planned commit does to the account's file. */
export function changeOfPlan(
  plan: CommitPlan,
  prevData: Uint8Array | undefined,
  writes: readonly PlannedWrite[],
  announced: boolean,
): CommitChange {
  const ops: RecordChange[] = writes.map(({ path, cid, bytes, blobs }) =>
    cid && bytes ? { path, cid, value: bytes, blobs } : { path },
  )
  const { rev, commit, data } = plan.head
  return { rev, commit, data, bytes: plan.commitBytes, prevData, announced, ops }
}

/** Reads the same change back from a journalled `#commit` frame; throws on a damaged one. */
export function changeOfFrame(frame: Uint8Array, announced: boolean): CommitChange {
  const decoded = decodeFrame(frame)
  if (!('type' in decoded)) throw new Error('journalled frame is an error frame')
  const event = parseCommitEvent(decoded.body)
  if (!event.ok) throw new Error(`journalled commit is damaged: ${event.reason}`)
  const { commit, rev, ops, prevData, blocks } = event.event
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
    ops: ops.map(({ path, cid }) => {
      if (!cid) return { path }
      const value = blocks.get(cid)
      if (!value) throw new Error(`journalled commit misses the record ${path}`)
      return { path, cid, value, blobs: refsOf(value) }
    }),
  }
}

/** Applies a change on the file whose head it follows; throws when there is a gap. */
export function applyChange(file: AccountFile, change: CommitChange): void {
  const head = file.head()
  const follows = change.prevData
    ? head !== undefined && equalBytes(head.data, change.prevData)
    : head === undefined
  if (!follows) throw new Error(`commit ${change.rev} does not follow the head of ${file.path}`)
  file.applyCommit(change)
}

export function refsOf(value: Uint8Array): readonly BlobRef[] {
  return blobRefs(decodeCbor(value))
}
