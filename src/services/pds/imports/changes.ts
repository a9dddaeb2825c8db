import { type PublicKey, verifyCid } from '#protocol/crypto'
import { blobRefs, type CidBytes, decodeCbor, equalBytes, readCarStream } from '#protocol/data'
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
