import type { CidBytes } from '#protocol/data'
import { ProtocolError } from '#protocol/syntax'
import { BlockMap, type BlockSource } from './block-map.ts'
import { compareKeys, keyHeight, keyOf } from './keys.ts'
import { CID_BYTES, entry, find, firstKey, type Node, seek } from './node.ts'
import { leaflessNode } from './node-edit.ts'
import { applyEdits, type Edit } from './tree-apply.ts'
import { buildTree } from './tree-build.ts'
import { compareTrees } from './tree-compare.ts'
import { childAt, isEmpty, loadNode, type NodeSource, putKey, removeFrom } from './tree-edit.ts'
import { addProof, entriesFrom, hashNode, type WalkStep, walkSteps } from './tree-walk.ts'

function checkCid(cid: CidBytes | null): void {
  if (cid !== null && cid.length !== CID_BYTES) {
    throw new ProtocolError('InvalidCid', 'not a CID of 36 bytes')
  }
}

/** What `Tree.changes` tells. */
export interface TreeChanges {
  added: Block[]
  removed: CidBytes[]
  proof: Block[]
}

const NO_BLOCKS: BlockSource = { get: () => undefined }

/** A block as a pair. */
export type Block = [cid: CidBytes, bytes: Uint8Array]

/**
 * A repository's tree: an immutable map from path (`collection/rkey`) to record CID, as a Merkle
 * search tree. Edits give a new tree that shares all it can with the old. Nodes are loaded when first
 * needed and hashed when first asked for. Throws ProtocolError 'MissingBlock' when the source lacks a
 * block, 'InvalidTree' when a block breaks a rule (of order between nodes, only what neighbours
 * show is checked: for trees of strangers see `verifyCommitEvent` and `readRepo`), 'InvalidPath'.
 * https://atproto.com/specs/repository#mst-structure
 */
export class Tree {
  #root: Node | undefined
  readonly #cid: CidBytes | undefined
  readonly #source: BlockSource

  private constructor(root: Node | undefined, source: BlockSource, cid?: CidBytes) {
    this.#root = root
    this.#source = source
    this.#cid = cid
  }

  static empty(): Tree {
    return new Tree(leaflessNode(0, null), NO_BLOCKS)
  }

  /** The tree of a root CID; nothing is read yet. */
  static open(root: CidBytes, source: NodeSource): Tree {
    return new Tree(undefined, source, root)
  }

  /** The tree of entries in order, each path once; the fastest way to a large tree. */
  static build(sorted: Iterable<readonly [path: string, cid: CidBytes]>): Tree {
    return new Tree(buildTree(sorted), NO_BLOCKS)
  }

  get #node(): Node {
    return (this.#root ??= loadNode(this.#source, this.#cid!))
  }

  get #hashed(): Node {
    const root = this.#node
    hashNode(root)
    return root
  }

  /** The CID of the root: `data` of a commit. */
  root(): CidBytes {
    return this.#root === undefined ? this.#cid! : this.#hashed.cid
  }

  get isEmpty(): boolean {
    return isEmpty(this.#node)
  }

  /** Whether the root stands on the layer of its first key; it always does but where that was trusted. */
  isLevel(): boolean {
    const root = this.#node
    return root.count === 0 || keyHeight(firstKey(root)) === root.layer
  }

  /** The record at a path. A copy of its CID. */
  get(path: string): CidBytes | undefined {
    const key = keyOf(path)
    let node: Node | null = this.#node
    while (node !== null) {
      if (find(node, key)) return node.bytes.slice(entry.value, entry.value + CID_BYTES)
      node = childAt(this.#source, node, seek.at, seek.gap)
    }
    return undefined
  }

  /** The tree with a path set to a record. */
  put(path: string, cid: CidBytes): Tree {
    checkCid(cid)
    const key = keyOf(path)
    return this.#with(putKey(this.#source, this.#node, key, keyHeight(key), cid))
  }

  /** The tree without a path; the same tree if it has no such path. */
  delete(path: string): Tree {
    return this.#with(removeFrom(this.#source, this.#node, keyOf(path)))
  }

  /**
   * The tree with many paths set to records, or deleted where the record is null; each path once, in
   * any order. The same as one after the other, in less time.
   */
  apply(edits: readonly (readonly [path: string, cid: CidBytes | null])[]): Tree {
    const [first] = edits
    if (first === undefined) return this
    if (edits.length === 1) return first[1] ? this.put(first[0], first[1]) : this.delete(first[0])
    const sorted = edits.map(([path, value]): Edit => {
      checkCid(value)
      const key = keyOf(path)
      return { key, height: keyHeight(key), value }
    })
    sorted.sort((left, right) => compareKeys(left.key, right.key))
    return this.#with(applyEdits(this.#source, this.#node, sorted))
  }

  #with(root: Node): Tree {
    return root === this.#root ? this : new Tree(root, this.#source)
  }

  /**
   * Paths and records in order of path, `from` included and `to` not. All of a collection:
   * from `${collection}/` to `${collection}0`, as '0' comes after '/'.
   */
  *entries(from = '', to?: string): Generator<[path: string, cid: CidBytes], undefined> {
    for (const pair of entriesFrom(this.#source, this.#node, from)) {
      if (to !== undefined && pair[0] >= to) return
      yield pair
    }
  }

  /**
   * Every node, with its block, before what is below it, and every record, with its path, in its
   * place between them: the order in which an export is read in one pass (`readRepo`). Nodes below
   * the root for which `into` says no are left out, with all below them. Nodes that have to be loaded
   * are not kept: memory holds one path of the tree.
   */
  walk(into?: (cid: CidBytes) => boolean): Generator<WalkStep, undefined> {
    return walkSteps(this.#source, this.#hashed, into)
  }

  /** The block of every node, in the order of `walk`. */
  *blocks(): Generator<Block, undefined> {
    for (const { cid, bytes } of this.walk()) if (bytes !== undefined) yield [cid, bytes]
  }

  /** Blocks of the nodes that `before` does not have. */
  newBlocks(before: Tree): Block[] {
    return this.changes(before).added
  }

  /** CIDs of the nodes of `before` that this tree does not have. */
  removed(before: Tree): CidBytes[] {
    return this.changes(before).removed
  }

  /**
   * Both of the above in one comparison, which visits only what differs; and, without those that are
   * new, the nodes of a covering proof of some paths.
   */
  changes(before: Tree, paths: readonly string[] = []): TreeChanges {
    const root = this.#hashed
    const { added, removed } = compareTrees(
      { root: before.#hashed, source: before.#source },
      { root, source: this.#source },
    )
    const nodes = this.#proofNodes(root, paths, new Set(added))
    const blocks = Array.from(nodes, (node): Block => [node.cid, node.bytes])
    return {
      added: blocks.slice(0, added.length),
      proof: blocks.slice(added.length),
      removed: removed.map((node) => node.cid),
    }
  }

  /**
   * Adds the nodes that prove what each path holds, or that it holds nothing, and that suffice to
   * undo a write to it: https://atproto.com/specs/sync#commit-validation-mst-operation-inversion
   */
  proof(paths: Iterable<string>, into: BlockMap = new BlockMap()): BlockMap {
    for (const node of this.#proofNodes(this.#hashed, paths)) into.add(node.cid, node.bytes)
    return into
  }

  /**
   * Loads those nodes, each checked against the range of keys it may span, and needs no others to
   * read or undo these paths. Nodes beside a path's own may be missing: not every write needs them.
   * Gives the record at each path, as `get` does.
   */
  loadProof(paths: readonly string[]): (CidBytes | undefined)[] {
    const nodes = new Set<Node>()
    return paths.map((path) => addProof(this.#source, this.#node, keyOf(path), nodes, true))
  }

  #proofNodes(root: Node, paths: Iterable<string>, nodes = new Set<Node>()): Set<Node> {
    for (const path of paths) addProof(this.#source, root, keyOf(path), nodes)
    return nodes
  }
}
