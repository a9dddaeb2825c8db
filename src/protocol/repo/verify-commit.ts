/** What a relay asks of `#commit` and `#sync` events: https://atproto.com/specs/sync#commit-validation */
import { type PublicKey, verifyCid } from '#protocol/crypto'
import { type CidBytes, equalBytes } from '#protocol/data'
import { type Did, ProtocolError, type Tid, tidMicros } from '#protocol/syntax'
import type { BlockMap } from './block-map.ts'
import { type Commit, decodeCommit, type RepoHead, verifyCommitSignature } from './commit.ts'
import { withoutKeeping } from './node-edit.ts'
import type { CommitEvent, SyncEvent } from './parse-event.ts'
import { MAX_COMMIT_OPS, MAX_RECORD_BYTES, type RepoOp } from './plan.ts'
import { Tree } from './tree.ts'
import type { NodeSource } from './tree-edit.ts'

/** Why an event is refused. */
export type RefusalReason =
  /** Its shape, or an operation that contradicts itself. */
  | 'malformed'
  | 'too-big'
  /** A block that does not have its CID's hash. */
  | 'bad-hash'
  /** The commit is not one, or says something else than the event. */
  | 'bad-commit'
  | 'bad-signature'
  | 'future-rev'
  /** Not newer than what is known: a repetition, mostly. */
  | 'rev-not-newer'
  /** It does not follow the state that is known: something was missed. */
  | 'prev-mismatch'
  /** It does not say what it follows. */
  | 'no-prev-data'
  /** A node or record it needs is not in it. */
  | 'missing-block'
  /** A node that breaks a rule of trees. */
  | 'invalid-tree'
  /** The tree does not hold what an operation says. */
  | 'op-mismatch'
  /** Its operations, undone, do not give the state it says it follows. */
  | 'inversion-failed'

export interface Refusal {
  ok: false
  reason: RefusalReason
}

/** An operation and the block of the record it made. */
export type VerifiedOp = RepoOp & { bytes?: Uint8Array }

export type Verdict = { ok: true; head: RepoHead; ops: VerifiedOp[] } | Refusal
export type SyncVerdict = { ok: true; head: RepoHead } | Refusal

export interface VerifyOptions {
  /** The repository's signing key, by its DID document. */
  key: PublicKey
  /** The last state known, if any. Without it, an event is only checked against what it says itself. */
  previous?: { rev: Tid; data: CidBytes }
  /** Milliseconds since 1970. */
  nowMs: number
  /** Takes commits without `prevData` from hosts that do not send it, without undoing them. */
  lenient?: boolean
}

/** How far a rev may be ahead of our clock. */
export const MAX_REV_AHEAD_MS = 5 * 60 * 1000

/**
 * Whether a commit is what its repository's key signed, follows the state before, and changes it by
 * exactly the operations it lists; in which order they are listed makes no difference. Never throws
 * on what an event holds. What is checked first is what is cheap, but nothing that would make a
 * caller distrust a repository is said of an event whose signature is not good.
 */
export function verifyCommitEvent(event: CommitEvent, options: VerifyOptions): Verdict {
  return verdict(() => {
    const { rev, repo: did, blocks, commit: cid } = event
    if (event.tooBig) refuse('too-big')
    const ops = checkOps(event)
    const commit = checkCommit({ did, rev, cid, blocks }, options)
    checkPrevious(event, options)
    // Undoing an operation moves no other key to another layer. So if the tree before was in order,
    // which `previous` is taken to say, and what undoing gives is that tree and its root stands on
    // the layer of its keys, then all keys but those of the operations do, and these are looked at.
    const leveled = options.previous !== undefined && event.prevData !== undefined
    const source = { get: (node: CidBytes) => blocks.get(node), verified: true, leveled }
    checkTree(event, commit, source, options)
    return { ok: true, head: { did, rev, commit: cid, data: commit.data }, ops }
  })
}

/** Whether a `#sync` carries a commit that its repository's key signed, newer than what is known. */
export function verifySyncEvent(event: SyncEvent, options: VerifyOptions): SyncVerdict {
  return verdict(() => {
    const { did, rev, commit: cid, blocks } = event
    const { data } = checkCommit({ did, rev, cid, blocks }, options)
    return { ok: true, head: { did, rev, commit: cid, data } }
  })
}

class Refused extends Error {
  readonly reason: RefusalReason
  constructor(reason: RefusalReason) {
    super(reason)
    this.reason = reason
  }
}

function refuse(reason: RefusalReason): never {
  throw new Refused(reason)
}

const REASON_OF_CODE: Record<string, RefusalReason> = {
  MissingBlock: 'missing-block',
  InvalidTree: 'invalid-tree',
  InvalidPath: 'malformed',
  InvalidCommit: 'bad-commit',
}

function verdict<V>(check: () => V): V | Refusal {
  try {
    return check()
  } catch (error) {
    if (error instanceof Refused) return { ok: false, reason: error.reason }
    const reason = error instanceof ProtocolError ? REASON_OF_CODE[error.code] : undefined
    if (reason === undefined) throw error
    return { ok: false, reason }
  }
}

/** Whether each operation makes sense by itself, no path comes twice, and each record is there. */
function checkOps(event: CommitEvent): VerifiedOp[] {
  if (event.ops.length > MAX_COMMIT_OPS) refuse('too-big')
  if (new Set(event.ops.map((op) => op.path)).size < event.ops.length) refuse('malformed')
  return event.ops.map((op) => {
    const { action, path, cid, prev } = op
    if ((action === 'delete') !== (cid === null)) refuse('malformed')
    // Events from before inductive sync have no prev anywhere; they cannot be undone either.
    const mayHavePrev = action !== 'create'
    const needsPrev = mayHavePrev && event.prevData !== undefined
    if (prev === null ? needsPrev : !mayHavePrev) refuse('malformed')
    if (cid === null) return { action, path, cid, prev }
    const bytes = event.blocks.get(cid) ?? refuse('missing-block')
    if (bytes.length > MAX_RECORD_BYTES) refuse('too-big')
    return { action, path, cid, prev, bytes }
  })
}

/** What an event says of its commit. */
interface Claim {
  did: Did
  rev: Tid
  cid: CidBytes
  blocks: BlockMap
}

function checkCommit(claim: Claim, options: VerifyOptions): Commit {
  const { did, rev, cid, blocks } = claim
  const { key, previous, nowMs } = options
  const bytes = blocks.get(cid) ?? refuse('missing-block')
  const commit = decodeCommit(bytes)
  if (commit.did !== did || commit.rev !== rev) refuse('bad-commit')
  if (previous !== undefined && rev <= previous.rev) refuse('rev-not-newer')
  if (tidMicros(rev) / 1000 > nowMs + MAX_REV_AHEAD_MS) refuse('future-rev')
  for (const [block, content] of blocks) if (!verifyCid(block, content)) refuse('bad-hash')
  if (!verifyCommitSignature(commit, key)) refuse('bad-signature')
  return commit
}

function checkPrevious(event: CommitEvent, options: VerifyOptions): void {
  const { previous } = options
  const { prevData } = event
  if (previous === undefined || prevData === undefined) return
  if (!equalBytes(prevData, previous.data)) refuse('prev-mismatch')
}

/** Whether the tree holds what the operations say, and was what the event says before them. */
function checkTree(
  event: CommitEvent,
  commit: Commit,
  source: NodeSource,
  options: VerifyOptions,
): void {
  const after = Tree.open(commit.data, source)
  const records = after.loadProof(event.ops.map((op) => op.path))
  for (const [i, { cid }] of event.ops.entries()) {
    const found = records[i] ?? null
    const same = found === null || cid === null ? found === cid : equalBytes(found, cid)
    if (!same) refuse('op-mismatch')
  }
  const expected = expectedBefore(event, options)
  if (expected === undefined) return
  withoutKeeping(() => {
    const before = invertOps(after, event.ops)
    if (!equalBytes(before.root(), expected)) refuse('inversion-failed')
    if (source.leveled && event.ops.length > 0 && !before.isLevel()) refuse('invalid-tree')
  })
}

const EMPTY_ROOT = Tree.empty().root()

/** The root that undoing must give; undefined if the event need not say. */
function expectedBefore(event: CommitEvent, options: VerifyOptions): CidBytes | undefined {
  if (event.prevData !== undefined) return event.prevData
  if (event.since === null && options.previous === undefined) return EMPTY_ROOT
  return options.lenient ? undefined : refuse('no-prev-data')
}

/** The tree before operations that led to it. Their order makes no difference. */
export function invertOps(tree: Tree, ops: readonly RepoOp[]): Tree {
  return tree.apply(ops.map(({ path, prev }) => [path, prev]))
}
