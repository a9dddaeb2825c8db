/**
 * A node of the tree, kept as the bytes of its block and read in place.
 *
 * The block is DAG-CBOR `{e: [{k, p, t, v}], l}`. Every field has one place once its key part is
 * known, so that a search reads heads and skips the rest, an edit copies runs of bytes, and encoding
 * costs nothing. Keys share a prefix of `p` bytes with the key before them; as that is exactly what
 * they have in common, a search compares each byte of the wanted key once.
 * https://atproto.com/specs/repository#mst-structure
 */
import type { CidBytes } from '#protocol/data'

/** Bytes of a link as a value: tag 42, head of 37 bytes, a zero, the CID. */
export const LINK_BYTES = 41
export const CID_BYTES = 36
/** Where the CID stands in a link. */
export const CID_IN_LINK = LINK_BYTES - CID_BYTES
export const NULL = 0xf6
/** Two letters and a head come before each field's content. */
const NAME_BYTES = 2

/** The largest node of the tree, in bytes. An honest one has a few hundred, at most some thousand. */
export const MAX_NODE_BYTES = 256 * 1024
/** Most keys of a node. With 4 keys expected, more than 200 happen by chance once in 10^25 nodes. */
export const MAX_NODE_KEYS = 1024

/** What a gap leads to: a node in memory, the CID of one that is not, or nothing. */
export type Link = Node | CidBytes | null

/**
 * One node. Gap g, of 0..count, is the place before key g; its subtree's node, once loaded or made,
 * is `children[g]`. A node made by an edit has no CID until `hashed`, and in its bytes the links to
 * nodes without a CID are blank (see `isBlank`); before that, its bytes must not be handed out.
 */
export class Node {
  readonly bytes: Uint8Array
  /** 0 at the bottom. */
  readonly layer: number
  /** Keys of this node itself. */
  readonly count: number
  children: (Node | undefined)[] | undefined
  hashed: boolean
  readonly #cid: CidBytes | undefined

  /**
   * Without `cid` the node is yet to be hashed, and the bytes must be a view with CID_BYTES of room
   * before it in the same buffer: the CID then lives there, so that it costs no object.
   */
  constructor(
    bytes: Uint8Array,
    layer: number,
    count: number,
    children: (Node | undefined)[] | undefined,
    cid?: CidBytes,
  ) {
    this.bytes = bytes
    this.layer = layer
    this.count = count
    this.children = children
    this.hashed = cid !== undefined
    this.#cid = cid
  }

  /** The CID of a hashed node: a view. */
  get cid(): CidBytes {
    const { bytes } = this
    return this.#cid ?? new Uint8Array(bytes.buffer, bytes.byteOffset - CID_BYTES, CID_BYTES)
  }
}

/** The entry last read by `readEntry`: offsets into the node's bytes. */
export const entry = {
  /** Where the part of the key that is its own begins. */
  suffix: 0,
  suffixLength: 0,
  /** How many bytes it shares with the key before. */
  prefix: 0,
  /** Where the link to the subtree after it, or null, begins. */
  pointer: 0,
  /** Where the 36 bytes of its value begin. */
  value: 0,
  end: 0,
}

/** Reads the entry at an offset of a well-formed node into `entry`. */
export function readEntry(bytes: Uint8Array, at: number): void {
  // a4 'k'
  at += 1 + NAME_BYTES
  let length = bytes[at++]! & 31
  if (length === 24) length = bytes[at++]!
  else if (length === 25) {
    length = (bytes[at]! << 8) | bytes[at + 1]!
    at += 2
  }
  entry.suffix = at
  entry.suffixLength = length
  // 'p'
  at += length + NAME_BYTES
  let prefix = bytes[at++]!
  if (prefix === 0x18) prefix = bytes[at++]!
  else if (prefix === 0x19) {
    prefix = (bytes[at]! << 8) | bytes[at + 1]!
    at += 2
  }
  entry.prefix = prefix
  // 't'
  at += NAME_BYTES
  entry.pointer = at
  // the subtree, 'v', the value
  at += (bytes[at] === NULL ? 1 : LINK_BYTES) + NAME_BYTES
  entry.value = at + CID_IN_LINK
  entry.end = at + LINK_BYTES
}

/** Where the first entry of a node begins: after a2 'e' and the head of the array. */
export function entriesStart(count: number): number {
  return 1 + NAME_BYTES + headLength(count)
}

/** Where the link to the leftmost subtree, or null, begins. It ends the node. */
export function leftPointer(bytes: Uint8Array): number {
  // If it is a link, the 'l' before it begins here; if it is null, here is the second byte (2a) of
  // the link of the last value, or nothing.
  const link = bytes.length - LINK_BYTES
  return bytes[link - NAME_BYTES] === 0x61 ? link : bytes.length - 1
}

/** Bytes of the head of a CBOR string, array or number below 65536. */
export function headLength(value: number): number {
  return value < 24 ? 1 : value < 256 ? 2 : 3
}

/** The outcome of the last `find`. One search at a time: read it before the next. */
export const seek = {
  /** The key's index if found, else of the first key above it: the gap the key falls into. */
  at: 0,
  /** Where that entry begins, or where the entries end. */
  entry: 0,
  /** Where the pointer of the gap before that entry begins. */
  gap: 0,
  /** What the wanted key has in common with the key before the gap, and with the one after it. */
  before: 0,
  after: 0,
}

/** Looks for a key among the node's own, leaves the place in `seek` and says whether it is there. */
export function find(node: Node, key: Uint8Array): boolean {
  const { bytes, count } = node
  let at = entriesStart(count)
  let gap = -1
  // What the key has in common with the last key known to be below it.
  let common = 0
  for (let i = 0; i < count; i++) {
    readEntry(bytes, at)
    let order = -1
    let after = entry.prefix
    if (after < common) order = 1
    else if (after === common) {
      const { suffix, suffixLength } = entry
      const end = Math.min(key.length - common, suffixLength)
      let j = 0
      while (j < end && key[common + j] === bytes[suffix + j]) j++
      after = common + j
      if (j < end) order = bytes[suffix + j]! - key[after]!
      else order = suffixLength - (key.length - common)
      if (order < 0) common = after
    }
    if (order >= 0) {
      seek.at = i
      seek.entry = at
      seek.gap = gap < 0 ? leftPointer(bytes) : gap
      seek.before = common
      seek.after = after
      return order === 0
    }
    gap = entry.pointer
    at = entry.end
  }
  seek.at = count
  seek.entry = at
  seek.gap = gap < 0 ? leftPointer(bytes) : gap
  seek.before = common
  seek.after = 0
  return false
}

/** What gap `index` leads to, whose pointer begins at `pointer`: from memory, else the bare CID. */
export function linkAt(node: Node, index: number, pointer: number): Link {
  const { bytes } = node
  if (bytes[pointer] === NULL) return null
  return node.children?.[index] ?? bytes.subarray(pointer + CID_IN_LINK, pointer + LINK_BYTES)
}

/** Whether the link that begins at `pointer` waits for its node to be hashed. */
export function isBlank(bytes: Uint8Array, pointer: number): boolean {
  return bytes[pointer + CID_IN_LINK] === 0
}

/** The keys around a subtree, where there are any; each as the index of a key of a node. */
export interface KeyRange {
  aboveNode?: Node
  aboveIndex: number
  belowNode?: Node
  belowIndex: number
}

/** The whole tree's. */
export const ALL_KEYS: KeyRange = { aboveIndex: 0, belowIndex: 0 }

/** The range of gap `index` of a node that has a range. */
export function gapRange(node: Node, index: number, range: KeyRange): KeyRange {
  const first = index === 0
  const last = index === node.count
  return {
    aboveNode: first ? range.aboveNode : node,
    aboveIndex: first ? range.aboveIndex : index - 1,
    belowNode: last ? range.belowNode : node,
    belowIndex: last ? range.belowIndex : index,
  }
}

/** Whether a first and a last key are in a range. */
export function isWithin(range: KeyRange, first: Uint8Array, last: Uint8Array): boolean {
  const { aboveNode, aboveIndex, belowNode, belowIndex } = range
  if (aboveNode !== undefined && (find(aboveNode, first) || seek.at <= aboveIndex)) return false
  return belowNode === undefined || (!find(belowNode, last) && seek.at <= belowIndex)
}

/** The first key of a node that has one: a view. */
export function firstKey(node: Node): Uint8Array {
  readEntry(node.bytes, entriesStart(node.count))
  return node.bytes.subarray(entry.suffix, entry.suffix + entry.suffixLength)
}
