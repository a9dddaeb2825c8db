/**
 * What two trees do not share, layer by layer from the top: of each layer, the nodes that only one
 * has; their children make the lists to compare in the layer below.
 */
import type { BlockSource } from './block-map.ts'
import {
  CID_IN_LINK,
  entriesStart,
  entry,
  LINK_BYTES,
  leftPointer,
  type Node,
  NULL,
  readEntry,
} from './node.ts'
import { loadNode } from './tree-edit.ts'

/** One tree and where its nodes are read from. */
export interface Rooted {
  root: Node
  source: BlockSource
}

/** Links in order of key: each a CID in some bytes, and its node if that is in memory. */
class Links {
  readonly bytes: Uint8Array[] = []
  readonly offsets: number[] = []
  readonly nodes: (Node | undefined)[] = []

  get length(): number {
    return this.bytes.length
  }

  add(bytes: Uint8Array, offset: number, node: Node | undefined): void {
    this.bytes.push(bytes)
    this.offsets.push(offset)
    this.nodes.push(node)
  }

  /** All that a node leads to. */
  addChildren(node: Node): void {
    const { bytes, count, children } = node
    this.#addGap(bytes, leftPointer(bytes), children?.[0])
    let at = entriesStart(count)
    for (let i = 1; i <= count; i++) {
      readEntry(bytes, at)
      this.#addGap(bytes, entry.pointer, children?.[i])
      at = entry.end
    }
  }

  #addGap(bytes: Uint8Array, pointer: number, node: Node | undefined): void {
    if (bytes[pointer] !== NULL) this.add(bytes, pointer + CID_IN_LINK, node)
  }

  load(index: number, source: BlockSource, layer: number): Node {
    const node = this.nodes[index]
    if (node !== undefined) return node
    const at = this.offsets[index]! - CID_IN_LINK
    return loadNode(source, this.bytes[index]!.slice(at + CID_IN_LINK, at + LINK_BYTES), layer)
  }
}

const CID_HEAD = 4
const CID_END = 36

function same(left: Links, i: number, right: Links, j: number): boolean {
  const node = left.nodes[i]
  if (node !== undefined && node === right.nodes[j]) return true
  return sameCid(left.bytes[i]!, left.offsets[i]!, right.bytes[j]!, right.offsets[j]!)
}

function sameCid(left: Uint8Array, at: number, right: Uint8Array, rightAt: number): boolean {
  for (let i = CID_HEAD; i < CID_END; i++) if (left[at + i] !== right[rightAt + i]) return false
  return true
}

/** Nodes that only one of two hashed trees has. Reads nothing that both have. */
export function compareTrees(before: Rooted, after: Rooted): { removed: Node[]; added: Node[] } {
  const removed: Node[] = []
  const added: Node[] = []
  let left = new Links()
  let right = new Links()
  for (let layer = Math.max(before.root.layer, after.root.layer); layer >= 0; layer--) {
    if (layer === before.root.layer) left.add(before.root.cid, 0, before.root)
    if (layer === after.root.layer) right.add(after.root.cid, 0, after.root)
    const only = differences(left, right)
    left = descend(left, only.left, before.source, layer, removed)
    right = descend(right, only.right, after.source, layer, added)
  }
  return { removed, added }
}

/** Collects some nodes of a layer and gives the links to their children. */
function descend(
  links: Links,
  indexes: readonly number[],
  source: BlockSource,
  layer: number,
  into: Node[],
): Links {
  const below = new Links()
  for (const index of indexes) {
    const node = links.load(index, source, layer)
    into.push(node)
    if (layer > 0) below.addChildren(node)
  }
  return below
}

/** Indexes of links that only one of two lists has. */
interface Only {
  left: number[]
  right: number[]
}

/** How far ahead a link is looked for where the lists differ. */
const WINDOW = 4

/**
 * Both lists are in order, so that what they share is found by going along them side by side. Where
 * they differ by more than the window, links are taken as different that are not, and found again by
 * their CIDs.
 */
function differences(left: Links, right: Links): Only {
  const only: Only = { left: [], right: [] }
  let i = 0
  let j = 0
  while (i < left.length && j < right.length) {
    if (!same(left, i, right, j)) {
      const ahead = lookAhead(left, i, right, j)
      if (ahead === 0) {
        only.left.push(i++)
        only.right.push(j++)
        continue
      }
      for (let skipped = ahead; skipped < 0; skipped++) only.left.push(i++)
      for (let skipped = ahead; skipped > 0; skipped--) only.right.push(j++)
    }
    i++
    j++
  }
  while (i < left.length) only.left.push(i++)
  while (j < right.length) only.right.push(j++)
  return only.left.length > 1 && only.right.length > 1 ? withoutShared(left, right, only) : only
}

/** How many links to skip until the lists agree: of the right if above zero, of the left if below. */
function lookAhead(left: Links, i: number, right: Links, j: number): number {
  for (let ahead = 1; ahead <= WINDOW; ahead++) {
    if (j + ahead < right.length && same(left, i, right, j + ahead)) return ahead
    if (i + ahead < left.length && same(left, i + ahead, right, j)) return -ahead
  }
  return 0
}

/** Thirty bits of the digest: a Map's fastest key. */
function shortKey(links: Links, index: number): number {
  const bytes = links.bytes[index]!
  const at = links.offsets[index]! + CID_HEAD
  const high = (bytes[at]! << 24) | (bytes[at + 1]! << 16)
  return (high | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 2
}

function withoutShared(left: Links, right: Links, only: Only): Only {
  const byKey = new Map<number, number[]>()
  for (const index of only.left) {
    const key = shortKey(left, index)
    const others = byKey.get(key)
    if (others === undefined) byKey.set(key, [index])
    else others.push(index)
  }
  const shared = new Set<number>()
  const rightOnly = only.right.filter((index) => {
    const twin = byKey.get(shortKey(right, index))?.find((other) => same(left, other, right, index))
    if (twin !== undefined) shared.add(twin)
    return twin === undefined
  })
  if (shared.size === 0) return only
  return { left: only.left.filter((index) => !shared.has(index)), right: rightOnly }
}
