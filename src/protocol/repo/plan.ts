import { cidForCbor, type SigningKey } from '#protocol/crypto'
import { type CidBytes, carBlockLength } from '#protocol/data'
import { type Did, ProtocolError, type Tid } from '#protocol/syntax'
import { encodeCommit, type RepoHead } from './commit.ts'
import type { Block, Tree } from './tree.ts'

/** Most operations of a commit: https://atproto.com/specs/sync#size-limits */
export const MAX_COMMIT_OPS = 200
/** Most bytes of the blocks of a `#commit` event. */
export const MAX_EVENT_BLOCKS_BYTES = 2_000_000
/** Most bytes of one record. */
export const MAX_RECORD_BYTES = 1_000_000

/** A change somebody wants. Creates and updates need both `cid` and `bytes`. */
export interface RecordWrite {
  action: 'create' | 'update' | 'delete'
  /** `collection/rkey` */
  path: string
  cid?: CidBytes
  /** The record's block. */
  bytes?: Uint8Array
}

/** A change as a commit tells it. */
export interface RepoOp {
  action: 'create' | 'update' | 'delete'
  path: string
  /** The record after the commit; null if deleted. */
  cid: CidBytes | null
  /** The record before the commit; null if created. */
  prev: CidBytes | null
}

export interface CommitPlan {
  head: RepoHead
  tree: Tree
  ops: RepoOp[]
  /** `rev` of the commit before, and root of its tree; null for a repository's first commit. */
  since: Tid | null
  prevData: CidBytes | null
  /** The signed commit's block. */
  commitBytes: Uint8Array
  /** Blocks of the event: commit, new nodes, the rest of the proof, records. */
  blocks: Block[]
  /** Nodes to keep from now on. */
  newNodes: Block[]
  /** Nodes that the tree no longer has. */
  removedNodes: CidBytes[]
}

/**
 * A signed commit of some writes to a repository, and all that its event and its storage need.
 * `tree` is the state before; `head` too, left out for the first commit. Several writes to one path
 * count as what they come to, each judged by the one before it. Throws ProtocolError 'RecordExists',
 * 'RecordNotFound', 'TooLarge' (more than MAX_COMMIT_OPS operations or MAX_EVENT_BLOCKS_BYTES),
 * 'InvalidPath', 'MissingBlock'.
 */
export function planCommit(input: {
  did: Did
  tree: Tree
  head?: RepoHead
  writes: readonly RecordWrite[]
  rev: Tid
  key: SigningKey
}): CommitPlan {
  const { did, head, rev, key } = input
  const before = input.tree
  const { ops, records } = netOps(before, input.writes)
  if (ops.length > MAX_COMMIT_OPS) {
    throw new ProtocolError('TooLarge', `a commit has at most ${MAX_COMMIT_OPS} operations`)
  }
  const tree = before.apply(ops.map(({ path, cid }) => [path, cid]))
  const data = tree.root()
  const prevData = head === undefined ? null : before.root()
  // A repository that begins has nothing to differ from: its root is new even if it is empty.
  const changes =
    head === undefined && before.isEmpty
      ? { added: [...tree.blocks()], removed: [], proof: [] }
      : tree.changes(
          before,
          ops.map((op) => op.path),
        )
  const commitBytes = encodeCommit({ did, rev, data }, key)
  const commit = cidForCbor(commitBytes)
  const blocks: Block[] = [[commit, commitBytes], ...changes.added, ...changes.proof, ...records]
  checkSize(blocks)
  return {
    head: { did, rev, commit, data },
    tree,
    ops,
    since: head?.rev ?? null,
    prevData,
    commitBytes,
    blocks,
    newNodes: changes.added,
    removedNodes: changes.removed,
  }
}

function checkSize(blocks: readonly Block[]): void {
  let size = 0
  for (const [, bytes] of blocks) size += carBlockLength(bytes.length)
  if (size > MAX_EVENT_BLOCKS_BYTES - CAR_HEADER_BYTES) {
    throw new ProtocolError('TooLarge', 'the blocks of a commit come to more than 2 MB')
  }
}

/** A CAR header with one root, and some. */
const CAR_HEADER_BYTES = 64

/** What all writes come to. */
interface Net {
  prev: CidBytes | null
  cid: CidBytes | null
  bytes?: Uint8Array
}

function netOps(tree: Tree, writes: readonly RecordWrite[]): { ops: RepoOp[]; records: Block[] } {
  const nets = new Map<string, Net>()
  for (const write of writes) {
    const { path } = write
    let net = nets.get(path)
    if (net === undefined) {
      const prev = tree.get(path) ?? null
      net = { prev, cid: prev }
      nets.set(path, net)
    }
    checkWrite(write, net.cid !== null)
    net.cid = write.action === 'delete' ? null : write.cid!
    net.bytes = write.bytes
  }
  const ops: RepoOp[] = []
  const records: Block[] = []
  for (const [path, { prev, cid, bytes }] of nets) {
    if (cid === null && prev === null) continue
    ops.push({
      action: prev === null ? 'create' : cid === null ? 'delete' : 'update',
      path,
      cid,
      prev,
    })
    if (cid !== null) records.push([cid, bytes!])
  }
  return { ops, records }
}

function checkWrite(write: RecordWrite, exists: boolean): void {
  const { action, path } = write
  if (action === 'create' && exists) {
    throw new ProtocolError('RecordExists', `there is a record at ${path}`)
  }
  if (action !== 'create' && !exists) {
    throw new ProtocolError('RecordNotFound', `there is no record at ${path}`)
  }
  if (action !== 'delete' && (write.cid === undefined || write.bytes === undefined)) {
    throw new ProtocolError('MissingBlock', `no record given for ${path}`)
  }
  if (write.bytes !== undefined && write.bytes.length > MAX_RECORD_BYTES) {
    throw new ProtocolError('TooLarge', `the record at ${path} is larger than 1 MB`)
  }
}
