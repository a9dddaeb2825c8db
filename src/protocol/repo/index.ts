/** Repositories: the signed tree, its commits and events, their proofs and their verification. */
export { BlockMap, type BlockSource } from './block-map.ts'
export {
  type Commit,
  decodeCommit,
  encodeCommit,
  type RepoHead,
  type UnsignedCommit,
  verifyCommitSignature,
} from './commit.ts'
export { commitEvent, syncEvent } from './event.ts'
export { linksOf, type TreeLink } from './node-links.ts'
export {
  type CommitEvent,
  type Parsed,
  parseCommitEvent,
  parseSyncEvent,
  type SyncEvent,
} from './parse-event.ts'
export {
  type CommitPlan,
  MAX_COMMIT_OPS,
  MAX_EVENT_BLOCKS_BYTES,
  MAX_RECORD_BYTES,
  planCommit,
  type RecordWrite,
  type RepoOp,
} from './plan.ts'
export {
  type ReadRepoOptions,
  type RepoReading,
  readRepo,
  type VerifiedRepo,
  verifyRepoCar,
  type WalkedRepo,
  walkRepo,
} from './read-repo.ts'
export { type ProvenRecord, readRecordProof } from './record-proof.ts'
export { memorySpill, type RepoRecord, type Spill } from './spill.ts'
export { type Block, Tree, type TreeChanges } from './tree.ts'
export type { NodeSource } from './tree-edit.ts'
export type { WalkStep } from './tree-walk.ts'
export {
  invertOps,
  MAX_REV_AHEAD_MS,
  type Refusal,
  type RefusalReason,
  type SyncVerdict,
  type Verdict,
  type VerifiedOp,
  type VerifyOptions,
  verifyCommitEvent,
  verifySyncEvent,
} from './verify-commit.ts'
export { firstBelow, WalkOrder } from './walk-order.ts'
