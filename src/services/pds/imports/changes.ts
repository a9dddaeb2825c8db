import type { WriteConflict } from '#protocol/account'
import { type PublicKey, verifyCid } from '#protocol/crypto'
import {
  blobRefs,
  type CidBytes,
  cidText,
  decodeCbor,
  equalBytes,
  readCarStream,
} from '#protocol/data'
import {
  BlockMap,
  decodeCommit,
  MAX_COMMIT_OPS,
  type NodeSource,
  type RepoHead,
  Tree,
  verifyCommitSignature,
} from '#protocol/repo'
import { type Did, ProtocolError, parseNsid, parseRecordKey } from '#protocol/syntax'
import type { ResolvedWrite } from '../repos/index.ts'

/** What changed is read into memory; more is a whole import's. */
const BYTES_MAX = 64_000_000
/** Of one commit, so that its frame stays within the event's own limit of 2 MB. */
const BATCH_BYTES = 1_000_000

/** A signed head and the blocks that came with it. */
export interface Changes {
  head: RepoHead
  blocks: BlockMap
}

/** Reads and checks the CAR of what changed. Throws InvalidCar, InvalidBlock, WrongRepo, InvalidSignature, TooLarge. */
export async function readChanges(
  chunks: AsyncIterable<Uint8Array>,
  { did, keys }: { did: Did; keys: readonly PublicKey[] },
): Promise<Changes> {
  const { roots, blocks: coming } = await readCarStream(chunks, { maxBytes: BYTES_MAX })
  const blocks = new BlockMap()
  for await (const batch of coming) {
    for (const { cid, bytes } of batch) {
      if (!verifyCid(cid, bytes)) throw new ProtocolError('InvalidBlock', 'a block of another hash')
      blocks.add(cid.slice(), bytes.slice())
    }
  }
  const root = roots[0]
  const bytes = root && blocks.get(root)
  if (!root || !bytes) throw new ProtocolError('InvalidCar', 'there is no commit')
  const commit = decodeCommit(bytes)
  if (commit.did !== did) throw new ProtocolError('WrongRepo', `the repository of ${commit.did}`)
  if (!keys.some((key) => verifyCommitSignature(commit, key))) {
    throw new ProtocolError('InvalidSignature', 'none of the account’s keys signed the commit')
  }
  const { rev, data } = commit
  return { head: { did, rev, commit: root, data }, blocks }
}

/**
 * The writes that turn a tree into the one that was signed, in batches; one of none where nothing
 * changed. Only nodes that one of the trees does not have are looked at. Throws MissingBlock.
 */
export function planChanges(
  { head, blocks }: Changes,
  tree: Tree,
  nodes: NodeSource,
): ResolvedWrite[][] {
  const after = Tree.open(head.data, { get: (cid) => blocks.get(cid) ?? nodes.get(cid) })
  const { added, removed } = after.changes(tree)
  const gone = recordsIn(tree, removed)
  const come = recordsIn(
    after,
    added.map(([cid]) => cid),
  )
  const writes: ResolvedWrite[] = []
  for (const path of gone.keys()) if (!come.has(path)) writes.push(planned('delete', path))
  for (const [path, cid] of come) {
    const before = gone.get(path)
    if (before && equalBytes(before, cid)) continue
    const bytes = blocks.get(cid)
    if (!bytes) throw new ProtocolError('MissingBlock', `the record ${path} did not come`)
    const refs = blobRefs(decodeCbor(bytes))
    writes.push({ ...planned(before ? 'update' : 'create', path), cid, bytes, blobs: refs })
  }
  return batches(writes)
}

/** What of a tree that went on elsewhere is to be written here. */
export interface Merge {
  batches: ResolvedWrite[][]
  /** Records that changed there. */
  records: number
  conflicts: WriteConflict[]
}

/**
 * The writes that bring what changed there since both were the same, path by path; what changed here
 * too stays, and is named. `blocks` hold every record that is new there. Throws MissingBlock where the
 * nodes of the tree there are not all at hand.
 */
export function planMerge(
  { head, blocks }: Changes,
  tree: Tree,
  nodes: NodeSource,
  isChangedHere: (path: string) => boolean,
): Merge {
  const after = Tree.open(head.data, { get: (cid) => blocks.get(cid) ?? nodes.get(cid) })
  const { added, removed } = after.changes(tree)
  const here = recordsIn(tree, removed)
  const there = recordsIn(
    after,
    added.map(([cid]) => cid),
  )
  const writes: ResolvedWrite[] = []
  const conflicts: WriteConflict[] = []
  let records = 0
  for (const path of here.keys()) {
    // Made or changed here meanwhile, it is not one that was deleted there.
    if (there.has(path) || isChangedHere(path)) continue
    records++
    writes.push(planned('delete', path))
  }
  for (const [path, cid] of there) {
    const bytes = blocks.get(cid)
    // Not new there: it was changed or deleted here.
    if (!bytes) continue
    records++
    const mine = here.get(path)
    if (mine && equalBytes(mine, cid)) continue
    if (mine && isChangedHere(path)) {
      conflicts.push({ path, here: cidText(mine), there: cidText(cid) })
      continue
    }
    const refs = blobRefs(decodeCbor(bytes))
    writes.push({ ...planned(mine ? 'update' : 'create', path), cid, bytes, blobs: refs })
  }
  const all = batches(writes).filter((batch) => batch.length > 0)
  return { batches: all, records, conflicts }
}

/** Nodes of a tree kept in memory while a whole repository passes. */
const NODE_BYTES_MAX = 256_000_000

/** Reads a whole repository for the nodes of its tree. Throws InvalidBlock, TooLarge. */
export async function readNodes(chunks: AsyncIterable<Uint8Array>): Promise<BlockMap> {
  const { blocks: coming } = await readCarStream(chunks)
  const nodes = new BlockMap()
  let size = 0
  for await (const batch of coming) {
    for (const { cid, bytes } of batch) {
      if (!isNodeLike(bytes)) continue
      if (!verifyCid(cid, bytes)) throw new ProtocolError('InvalidBlock', 'a block of another hash')
      size += bytes.byteLength
      if (size > NODE_BYTES_MAX) throw new ProtocolError('TooLarge', 'too many nodes to hold')
      nodes.add(cid.slice(), bytes.slice())
    }
  }
  return nodes
}

/** A map of two whose first key is `e`: what every node begins with, and hardly a record. */
const isNodeLike = (bytes: Uint8Array) =>
  bytes[0] === 0xa2 && bytes[1] === 0x61 && bytes[2] === 0x65

/** Records in some nodes of a tree; of those above them it is known that they differ too. */
function recordsIn(tree: Tree, cids: readonly CidBytes[]): Map<string, CidBytes> {
  const names = new Set(cids.map(nameOf))
  const records = new Map<string, CidBytes>()
  const isRootIn = names.has(nameOf(tree.root()))
  if (!isRootIn) return records
  for (const step of tree.walk((cid) => names.has(nameOf(cid)))) {
    if (step.path !== undefined) records.set(step.path, step.cid.slice())
  }
  return records
}

const nameOf = (cid: CidBytes) => String.fromCharCode(...cid)

function planned(action: 'create' | 'update' | 'delete', path: string): ResolvedWrite {
  const [collection = '', rkey = ''] = path.split('/')
  return {
    action,
    collection: parseNsid(collection),
    rkey: parseRecordKey(rkey),
    path,
    blobs: [],
  }
}

function batches(writes: readonly ResolvedWrite[]): ResolvedWrite[][] {
  const all: ResolvedWrite[][] = [[]]
  let size = 0
  for (const write of writes) {
    size += write.bytes?.byteLength ?? 0
    if (all.at(-1)!.length === MAX_COMMIT_OPS || size > BATCH_BYTES) {
      all.push([])
      size = write.bytes?.byteLength ?? 0
    }
    all.at(-1)!.push(write)
  }
  return all
}
