/** Walks over a tree: hashing it, listing it, comparing two, and proving keys. */
import { sha256 } from '#protocol/crypto'
import { bytesKey, type CidBytes } from '#protocol/data'
import { ProtocolError } from '#protocol/syntax'
import type { BlockSource } from './block-map.ts'
import { keyHeight } from './keys.ts'
import {
  ALL_KEYS,
  CID_BYTES,
  entriesStart,
  entry,
  find,
  gapRange,
  isBlank,
  type KeyRange,
  leftPointer,
  linkAt,
  Node,
  readEntry,
  seek,
} from './node.ts'
import { fillLink, setDigest } from './node-edit.ts'
import { invalid } from './node-parse.ts'
import { childAt, loadNode, type NodeSource } from './tree-edit.ts'

/** Gives each node that has none its CID, from the bottom up. */
export function hashNode(node: Node): void {
  if (node.hashed) return
  const { bytes, count, children } = node
  if (children !== undefined) {
    fillGap(node, children[0], leftPointer(bytes))
    let at = entriesStart(count)
    for (let i = 1; i <= count; i++) {
      readEntry(bytes, at)
      at = entry.end
      fillGap(node, children[i], entry.pointer)
    }
  }
  setDigest(node, sha256(bytes))
}

function fillGap(node: Node, child: Node | undefined, pointer: number): void {
  if (child === undefined || !isBlank(node.bytes, pointer)) return
  const { end } = entry
  hashNode(child)
  entry.end = end
  fillLink(node, pointer, child.cid)
}

/** What a walk of a tree meets: a node, or a record. */
export type WalkStep =
  | { path?: undefined; cid: CidBytes; bytes: Uint8Array }
  | { path: string; cid: CidBytes; bytes?: undefined }

/**
 * Every node, each before what is below it, and every record in its place between them. Nodes for
 * which `into` says no are left out with all below them. What is loaded on the way is not kept.
 */
export function* walkSteps(
  source: BlockSource,
  root: Node,
  into?: (cid: CidBytes) => boolean,
): Generator<WalkStep, undefined> {
  yield { cid: root.cid, bytes: root.bytes }
  const stack = [frameAt(root, NO_BYTES)]
  while (stack.length > 0) {
    const frame = stack.at(-1)!
    const child = frame.pointer < 0 ? null : passingChild(source, frame, into)
    if (child !== null) {
      yield { cid: child.cid, bytes: child.bytes }
      stack.push(frameAt(child, NO_BYTES))
    } else if (frame.gap === frame.node.count) stack.pop()
    else {
      const [path, cid] = nextEntry(frame)
      yield { path, cid }
    }
  }
}

const NO_BYTES = new Uint8Array(0)

/**
 * Nodes of a covering proof of a key: those on its path and those that touch its neighbours. What is
 * loaded for it is checked against the whole range it may span, and the layer of the key itself even
 * where others' are known. Gives a copy of what is at the key. With `mayLackNeighbours`, nodes beside a key that is there may be missing.
 */
export function addProof(
  source: NodeSource,
  root: Node,
  key: Uint8Array,
  into: Set<Node>,
  mayLackNeighbours = false,
): CidBytes | undefined {
  let node: Node | null = root
  let range = ALL_KEYS
  while (node !== null) {
    into.add(node)
    const found = find(node, key)
    const { at, gap } = seek
    const { pointer: after, value } = entry
    if (found) {
      if (source.leveled && keyHeight(key) !== node.layer) throw invalid('a key on a wrong layer')
      const toChild = mayLackNeighbours ? childIfThere : childAt
      addSpine(source, node, at, gap, range, true, into, toChild)
      addSpine(source, node, at + 1, after, range, false, into, toChild)
      return node.bytes.slice(value, value + CID_BYTES)
    }
    const child: Node | null = childAt(source, node, at, gap, range)
    range = gapRange(node, at, range)
    node = child
  }
  return undefined
}

/** The nodes along one edge of the subtree in a gap, from its top to the bottom. */
function addSpine(
  source: BlockSource,
  parent: Node,
  gap: number,
  pointer: number,
  range: KeyRange,
  last: boolean,
  into: Set<Node>,
  toChild: typeof childAt,
): void {
  let node = toChild(source, parent, gap, pointer, range)
  let inner = gapRange(parent, gap, range)
  while (node !== null) {
    into.add(node)
    const index = last ? node.count : 0
    const child = toChild(source, node, index, edgePointer(node, last), inner)
    inner = gapRange(node, index, inner)
    node = child
  }
}

/** As `childAt`, but null also when its block is missing. */
const childIfThere: typeof childAt = (source, node, index, pointer, range) => {
  try {
    return childAt(source, node, index, pointer, range)
  } catch (error) {
    if (error instanceof ProtocolError && error.code === 'MissingBlock') return null
    throw error
  }
}

/** Where the pointer of the first or the last gap begins. */
function edgePointer(node: Node, last: boolean): number {
  const { bytes, count } = node
  if (!last || count === 0) return leftPointer(bytes)
  let at = entriesStart(count)
  for (let i = 0; i < count; i++) {
    readEntry(bytes, at)
    at = entry.end
  }
  return entry.pointer
}

/** Where a listing stands in one node of the path down. */
interface Frame {
  node: Node
  /** The gap to go down into next, and its pointer. */
  gap: number
  pointer: number
  /** Where the entry after that gap begins, and the key before it. */
  at: number
  key: string
}

/** Paths and values in order, from the first path not before `from`. The values are copies. */
export function* entriesFrom(
  source: BlockSource,
  root: Node,
  from: string,
): Generator<[path: string, cid: CidBytes], undefined> {
  const wanted = Uint8Array.from(from, (char) => char.charCodeAt(0))
  const stack = [frameAt(root, wanted)]
  while (stack.length > 0) {
    const frame = stack.at(-1)!
    const { node } = frame
    const child = frame.pointer < 0 ? null : nextChild(source, frame)
    if (child !== null) stack.push(frameAt(child, wanted))
    else if (frame.gap === node.count) stack.pop()
    else yield nextEntry(frame)
  }
}

/** The node of the gap a frame stands before, which is then done with. */
function nextChild(source: BlockSource, frame: Frame): Node | null {
  const child = childAt(source, frame.node, frame.gap, frame.pointer)
  frame.pointer = -1
  return child
}

/** The same for who passes by once: a node that has to be loaded is not kept by the one above it. */
function passingChild(
  source: BlockSource,
  frame: Frame,
  into: ((cid: CidBytes) => boolean) | undefined,
): Node | null {
  const { node, gap, pointer } = frame
  frame.pointer = -1
  const link = linkAt(node, gap, pointer)
  if (link === null) return null
  const isLoaded = link instanceof Node
  if (into && !into(isLoaded ? link.cid : link)) return null
  return isLoaded
    ? link
    : loadNode(source, link.slice(), node.layer - 1, gapRange(node, gap, ALL_KEYS))
}

/** The frame of a node at the first gap that may lead to `wanted` or beyond. */
function frameAt(node: Node, wanted: Uint8Array): Frame {
  const { bytes, count } = node
  const frame = { node, gap: 0, pointer: leftPointer(bytes), at: entriesStart(count), key: '' }
  if (wanted.length === 0) return frame
  const found = find(node, wanted)
  const { at, gap } = seek
  while (frame.gap < at) nextEntry(frame)
  frame.pointer = found ? -1 : gap
  return frame
}

/** Reads the entry a frame stands before and steps into the gap behind it. */
function nextEntry(frame: Frame): [path: string, cid: CidBytes] {
  const { bytes } = frame.node
  readEntry(bytes, frame.at)
  const { suffix, suffixLength, prefix, value } = entry
  const own = bytesKey(bytes.subarray(suffix, suffix + suffixLength))
  frame.key = prefix === 0 ? own : frame.key.slice(0, prefix) + own
  frame.gap++
  frame.pointer = entry.pointer
  frame.at = entry.end
  return [frame.key, bytes.slice(value, value + CID_BYTES)]
}
