/**
 * Putting and deleting keys. Nodes are never changed: each edit makes the nodes on its path anew
 * and shares the rest. A tree has one shape for one content, so the order of edits leaves no trace.
 */

import { verifyCid } from '#protocol/crypto'
import { type CidBytes, equalBytes } from '#protocol/data'
import { ProtocolError } from '#protocol/syntax'
import type { BlockSource } from './block-map.ts'
import {
  ALL_KEYS,
  CID_BYTES,
  entry,
  find,
  gapRange,
  type KeyRange,
  type Link,
  leftPointer,
  linkAt,
  Node,
  seek,
} from './node.ts'
import {
  headOf,
  insertKey,
  joinNodes,
  leaflessNode,
  type Place,
  removeKey,
  singleNode,
  tailOf,
  withChild,
  withValue,
} from './node-edit.ts'
import { invalid, parseNode } from './node-parse.ts'

/** Where nodes are read from, and what is known of them. */
export interface NodeSource extends BlockSource {
  /**
   * Set when keys need not be checked to stand on the layer of their height, as whoever reads proves
   * it otherwise (see `verifyCommitEvent`), or made the tree. Only a root's first key is looked at then.
   */
  readonly leveled?: boolean
}

/**
 * Loads the node of a CID: strict, hash and all. `layer` is left out for a root. Throws 'MissingBlock'
 * or 'InvalidTree'.
 */
export function loadNode(
  source: NodeSource,
  cid: CidBytes,
  layer?: number,
  range?: KeyRange,
): Node {
  const bytes = source.get(cid)
  if (bytes === undefined) throw new ProtocolError('MissingBlock', 'a block of the tree is missing')
  if (!source.verified && !verifyCid(cid, bytes)) {
    throw invalid('a block that is not the one of its CID')
  }
  return parseNode(bytes, cid, { layer, range, leveled: source.leveled })
}

/**
 * The node of gap `index`, whose pointer begins at `pointer`; null if there is no subtree. If it has
 * to be loaded it is checked against the range of the gap, which without `range` (the node's own) is
 * what the node itself shows.
 */
export function childAt(
  source: BlockSource,
  node: Node,
  index: number,
  pointer: number,
  range: KeyRange = ALL_KEYS,
): Node | null {
  const link = linkAt(node, index, pointer)
  if (link === null || link instanceof Node) return link
  // A copy: a view would keep the parent's bytes when only the child is still in use.
  const child = loadNode(source, link.slice(), node.layer - 1, gapRange(node, index, range))
  node.children ??= new Array<Node | undefined>(node.count + 1)
  node.children[index] = child
  return child
}

/** Where the last search ended, safe from the next one. */
function place(): Place {
  const { at, entry, gap, before, after } = seek
  return { at, entry, gap, before, after }
}

/** The root with `key` set to `value`; the same root if it was. `height` is the key's. */
export function putKey(
  source: BlockSource,
  root: Node,
  key: Uint8Array,
  height: number,
  value: CidBytes,
): Node {
  if (isEmpty(root)) return singleNode(height, key, value, null, null)
  if (height <= root.layer) return putBelow(source, root, key, height, value)
  const [before, after] = split(source, root, key)
  return singleNode(
    height,
    key,
    value,
    before && lift(before, height - 1),
    after && lift(after, height - 1),
  )
}

/** The node of a tree without keys. */
export function isEmpty(root: Node): boolean {
  return root.count === 0
}

/** A node, with steps above it up to a layer. */
export function lift(node: Node, layer: number): Node {
  while (node.layer < layer) node = leaflessNode(node.layer + 1, node)
  return node
}

/** The node with `key` set to `value`; the same node if it was. `height` is at most its layer. */
export function putBelow(
  source: BlockSource,
  node: Node,
  key: Uint8Array,
  height: number,
  value: CidBytes,
): Node {
  if (find(node, key)) {
    const at = entry.value
    return equalBytes(node.bytes.subarray(at, at + CID_BYTES), value)
      ? node
      : withValue(node, at, value)
  }
  const here = place()
  const child = childAt(source, node, here.at, here.gap)
  if (node.layer === height) {
    const [before, after] = child ? split(source, child, key) : NOTHING
    return insertKey(node, here, key, value, before, after)
  }
  const next = child
    ? putBelow(source, child, key, height, value)
    : lift(singleNode(height, key, value, null, null), node.layer - 1)
  return next === child ? node : withChild(node, here.at, here.gap, next)
}

type Halves = readonly [before: Node | null, after: Node | null]
const NOTHING: Halves = [null, null]

/** What of a subtree comes before and after a key that it does not have. */
function split(source: BlockSource, node: Node, key: Uint8Array): Halves {
  if (find(node, key)) throw invalid('a key on two layers')
  const here = place()
  const child = childAt(source, node, here.at, here.gap)
  const [before, after] = child ? split(source, child, key) : NOTHING
  return [
    here.at === node.count && before === child ? node : headWith(node, here, before),
    here.at === 0 && after === child ? node : tailWith(node, here, key, after),
  ]
}

function headWith(node: Node, here: Place, last: Node | null): Node | null {
  if (here.at > 0) return headOf(node, here, last)
  return last && leaflessNode(node.layer, last)
}

function tailWith(node: Node, here: Place, key: Uint8Array, first: Node | null): Node | null {
  if (here.at < node.count) return tailOf(node, here, key, first)
  return first && leaflessNode(node.layer, first)
}

/** The root without `key`; the same root if it was not there. */
export function removeFrom(source: BlockSource, root: Node, key: Uint8Array): Node {
  const node = removeBelow(source, root, key)
  return node === root ? root : withoutEmptyTop(source, node)
}

/** The root of a tree whose top may have lost all its keys. */
export function withoutEmptyTop(source: BlockSource, top: Node | null): Node {
  let node = top
  while (node !== null && node.count === 0) {
    node = childAt(source, node, 0, leftPointer(node.bytes))
  }
  return node ?? leaflessNode(0, null)
}

/** The node without `key`, which may not be there; null if nothing is left. */
export function removeBelow(source: BlockSource, node: Node, key: Uint8Array): Node | null {
  const found = find(node, key)
  const here = place()
  if (!found) {
    const child = childAt(source, node, here.at, here.gap)
    if (child === null) return node
    const next = removeBelow(source, child, key)
    if (next === child) return node
    return next === null && node.count === 0 ? null : withChild(node, here.at, here.gap, next)
  }
  const after = entry.pointer
  const merged = mergeGaps(source, node, here, after, key)
  return node.count === 1 && merged === null ? null : removeKey(node, here, merged)
}

/** What the subtrees on both sides of a removed key become. Loads them only if both are there. */
function mergeGaps(
  source: BlockSource,
  node: Node,
  here: Place,
  after: number,
  key: Uint8Array,
): Link {
  const left = linkAt(node, here.at, here.gap)
  const right = linkAt(node, here.at + 1, after)
  if (left === null) return right
  if (right === null) return left
  return merge(
    source,
    childAt(source, node, here.at, here.gap)!,
    childAt(source, node, here.at + 1, after)!,
    key,
  )
}

/** Two nodes of one layer as one; all keys of the first are below `key`, of the second above. */
function merge(source: BlockSource, first: Node, second: Node, key: Uint8Array): Node {
  find(first, key)
  const { at, gap, before } = seek
  find(second, key)
  const { gap: secondGap, after } = seek
  const middle = mergeChildren(source, first, at, gap, second, secondGap, key)
  if (first.count === 0) {
    return second.count === 0
      ? leaflessNode(first.layer, middle)
      : withChild(second, 0, secondGap, middle)
  }
  if (second.count === 0) return withChild(first, at, gap, middle)
  return joinNodes(first, second, gap, Math.min(before, after), middle)
}

function mergeChildren(
  source: BlockSource,
  first: Node,
  at: number,
  gap: number,
  second: Node,
  secondGap: number,
  key: Uint8Array,
): Link {
  const left = linkAt(first, at, gap)
  const right = linkAt(second, 0, secondGap)
  if (left === null) return right
  if (right === null) return left
  return merge(
    source,
    childAt(source, first, at, gap)!,
    childAt(source, second, 0, secondGap)!,
    key,
  )
}
