/**
 * Edits of nodes: each makes a new node by copying runs of bytes of the old one, re-encoding only
 * the keys whose prefix changes. Nothing here loads, hashes or looks for anything.
 */
import { type CidBytes, CODEC_CBOR } from '#protocol/data'
import { ProtocolError } from '#protocol/syntax'
import { commonPrefix } from './keys.ts'
import {
  CID_BYTES,
  CID_IN_LINK,
  entriesStart,
  entry,
  LINK_BYTES,
  type Link,
  leftPointer,
  MAX_NODE_BYTES,
  MAX_NODE_KEYS,
  Node,
  NULL,
  readEntry,
} from './node.ts'

const LETTER_E = 0x65
const LETTER_K = 0x6b
const LETTER_L = 0x6c
const LETTER_P = 0x70
const LETTER_T = 0x74
const LETTER_V = 0x76

/** Two nodes of the largest size, and a new entry, fit. */
const out = new Uint8Array(2 * MAX_NODE_BYTES + 4096)
let end = 0

/** Runs up to this long are copied byte by byte: cheaper than a view and a call. */
const SHORT_RUN = 32

function copy(from: Uint8Array, start: number, stop: number): void {
  if (stop - start > SHORT_RUN) {
    out.set(from.subarray(start, stop), end)
    end += stop - start
  } else {
    for (let i = start; i < stop; i++) out[end++] = from[i]!
  }
}

function name(letter: number): void {
  out[end++] = 0x61
  out[end++] = letter
}

function head(kind: number, value: number): void {
  if (value < 24) out[end++] = kind | value
  else if (value < 256) {
    out[end++] = kind | 24
    out[end++] = value
  } else {
    out[end++] = kind | 25
    out[end++] = value >> 8
    out[end++] = value & 255
  }
}

function open(count: number): void {
  end = 0
  out[end++] = 0xa2
  name(LETTER_E)
  head(0x80, count)
}

function cidLink(cid: CidBytes): void {
  out[end++] = 0xd8
  out[end++] = 0x2a
  out[end++] = 0x58
  out[end++] = CID_BYTES + 1
  out[end++] = 0
  for (let i = 0; i < CID_BYTES; i++) out[end++] = cid[i]!
}

/** A link whose CID is yet to come: all zeros. */
const BLANK = new Uint8Array(CID_BYTES)

function link(to: Link): void {
  if (to === null) out[end++] = NULL
  else if (!(to instanceof Node)) cidLink(to)
  else cidLink(to.hashed ? to.cid : BLANK)
}

function left(to: Link): void {
  name(LETTER_L)
  link(to)
}

/** The key part of an entry: what is its own comes from up to two places. */
function keyPart(
  prefix: number,
  from: Uint8Array,
  start: number,
  stop: number,
  then?: Uint8Array,
  thenStart = 0,
  thenStop = 0,
): void {
  out[end++] = 0xa4
  name(LETTER_K)
  head(0x40, stop - start + (thenStop - thenStart))
  copy(from, start, stop)
  if (then !== undefined) copy(then, thenStart, thenStop)
  name(LETTER_P)
  head(0, prefix)
}

function valuePart(subtree: Link, value: CidBytes): void {
  name(LETTER_T)
  link(subtree)
  name(LETTER_V)
  cidLink(value)
}

/** Entries `start..stop` as they are, but what the gap after the last of them leads to. */
function copyEntries(from: Uint8Array, start: number, gap: number, stop: number, to: Link): void {
  copy(from, start, gap)
  link(to)
  copy(from, gap + (from[gap] === NULL ? 1 : LINK_BYTES), stop)
}

/** An entry from its pointer on, and all entries after it. */
function copyRest(from: Uint8Array, pointer: number, stop: number): void {
  copy(from, pointer - 2, stop)
}

/** Takes what was written as the bytes of a new node. */
function made(layer: number, count: number, children: (Node | undefined)[] | undefined): Node {
  if (end > MAX_NODE_BYTES || count > MAX_NODE_KEYS) {
    throw new ProtocolError('InvalidTree', 'a node of the tree would exceed its limits')
  }
  const bytes = room(layer, end)
  bytes.set(out.subarray(0, end))
  return new Node(bytes, layer, count, children)
}

/**
 * Nodes from this layer up share arrays: an array of its own costs more than all the rest of an
 * edit. Those below are most of a tree and live long, and would keep the arrays of many others.
 */
const SHARING_LAYER = 2
const SHARED_BYTES = 4096

let shared = new Uint8Array(0)
let sharedEnd = 0

/** For nodes nobody keeps: see `withoutKeeping`. */
const passing = new Uint8Array(128 * 1024)
let passingEnd = 0
let isPassing = false

/**
 * Runs some work whose new nodes are all forgotten when it returns: they are made in one place that
 * is used again and again. What it gives back must not refer to a node it made.
 */
export function withoutKeeping<T>(work: () => T): T {
  const wasPassing = isPassing
  isPassing = true
  try {
    return work()
  } finally {
    isPassing = wasPassing
    if (!wasPassing) passingEnd = 0
  }
}

/** A new node's bytes, with room for its CID before them. */
function room(layer: number, byteCount: number): Uint8Array {
  const size = CID_BYTES + byteCount
  if (isPassing && passingEnd + size <= passing.length) {
    passingEnd += size
    return passing.subarray(passingEnd - byteCount, passingEnd)
  }
  if (layer < SHARING_LAYER || size > SHARED_BYTES / 4) {
    return new Uint8Array(size).subarray(CID_BYTES)
  }
  if (sharedEnd + size > shared.length) {
    shared = new Uint8Array(SHARED_BYTES)
    sharedEnd = 0
  }
  sharedEnd += size
  return shared.subarray(sharedEnd - byteCount, sharedEnd)
}

const inMemory = (to: Link): Node | undefined => (to instanceof Node ? to : undefined)

/** A node without keys: the root of the empty tree, or a step down to a lower layer. */
export function leaflessNode(layer: number, child: Link): Node {
  open(0)
  left(child)
  return made(layer, 0, child instanceof Node ? [child] : undefined)
}

/** A node of keys in order, their values, and what the gaps around them lead to. */
export function nodeOf(
  layer: number,
  keys: readonly Uint8Array[],
  values: readonly CidBytes[],
  gaps: readonly Link[],
): Node {
  open(keys.length)
  for (let i = 0; i < keys.length; i++) {
    if (end > MAX_NODE_BYTES) break
    const key = keys[i]!
    const prefix = i === 0 ? 0 : commonPrefix(keys[i - 1]!, key)
    keyPart(prefix, key, prefix, key.length)
    valuePart(gaps[i + 1]!, values[i]!)
  }
  left(gaps[0]!)
  const children = gaps.some((to) => to instanceof Node) ? gaps.map(inMemory) : undefined
  return made(layer, keys.length, children)
}

/** A node with one key. */
export function singleNode(
  layer: number,
  key: Uint8Array,
  value: CidBytes,
  before: Link,
  after: Link,
): Node {
  open(1)
  keyPart(0, key, 0, key.length)
  valuePart(after, value)
  left(before)
  return made(layer, 1, childrenOf(before, after))
}

function childrenOf(before: Link, after: Link): (Node | undefined)[] | undefined {
  const [first, second] = [inMemory(before), inMemory(after)]
  return first === undefined && second === undefined ? undefined : [first, second]
}

/** The node with another value, of 36 bytes that begin at offset `at`. */
export function withValue(node: Node, at: number, value: CidBytes): Node {
  end = 0
  copy(node.bytes, 0, node.bytes.length)
  out.set(value, at)
  return made(node.layer, node.count, node.children?.slice())
}

/** The node with another subtree in gap `index`, whose pointer begins at `gap`. */
export function withChild(node: Node, index: number, gap: number, to: Link): Node {
  const { bytes, count } = node
  end = 0
  copyEntries(bytes, 0, gap, bytes.length, to)
  return made(node.layer, count, replaceChild(node, index, to))
}

/** What a gap leads to now; `pointer` is where its pointer begins in the node before. */
export interface ChangedGap {
  gap: number
  pointer: number
  to: Link
}

/** The node with other subtrees in some gaps, in order. */
export function withChildren(node: Node, changed: readonly ChangedGap[]): Node {
  const { bytes, count } = node
  const children = node.children?.slice() ?? new Array<Node | undefined>(count + 1)
  end = 0
  let from = 0
  let leftmost: ChangedGap | undefined
  for (const change of changed) {
    children[change.gap] = inMemory(change.to)
    // The pointer of the leftmost gap comes last.
    if (change.gap === 0) leftmost = change
    else from = copyToPointer(bytes, from, change)
  }
  if (leftmost !== undefined) from = copyToPointer(bytes, from, leftmost)
  copy(bytes, from, bytes.length)
  return made(node.layer, count, children)
}

function copyToPointer(bytes: Uint8Array, from: number, { pointer, to }: ChangedGap): number {
  copy(bytes, from, pointer)
  link(to)
  return pointer + (bytes[pointer] === NULL ? 1 : LINK_BYTES)
}

function replaceChild(node: Node, index: number, to: Link): (Node | undefined)[] | undefined {
  const children = node.children?.slice() ?? new Array<Node | undefined>(node.count + 1)
  children[index] = inMemory(to)
  return children
}

/** Where `find` left off, taken out of it. */
export interface Place {
  at: number
  entry: number
  gap: number
  before: number
  after: number
}

/** The node with one key more, at a place, and the parts of the subtree that the key divides. */
export function insertKey(
  node: Node,
  place: Place,
  key: Uint8Array,
  value: CidBytes,
  before: Link,
  after: Link,
): Node {
  const { bytes, count } = node
  const { at } = place
  const entriesEnd = leftPointer(bytes) - 2
  open(count + 1)
  if (at > 0) copyEntries(bytes, entriesStart(count), place.gap, place.entry, before)
  keyPart(place.before, key, place.before, key.length)
  valuePart(after, value)
  if (at < count) {
    readEntry(bytes, place.entry)
    const known = place.after - entry.prefix
    keyPart(place.after, bytes, entry.suffix + known, entry.suffix + entry.suffixLength)
    copyRest(bytes, entry.pointer, entriesEnd)
  }
  if (at > 0) copy(bytes, entriesEnd, bytes.length)
  else left(before)
  return made(node.layer, count + 1, insertChildren(node, at, before, after))
}

function insertChildren(
  node: Node,
  at: number,
  before: Link,
  after: Link,
): (Node | undefined)[] | undefined {
  const [first, second] = [inMemory(before), inMemory(after)]
  if (node.children === undefined && first === undefined && second === undefined) return undefined
  const children = node.children?.slice() ?? new Array<Node | undefined>(node.count + 1)
  children[at] = first
  children.splice(at + 1, 0, second)
  return children
}

/** The node without key `place.at`, and with what the two subtrees beside it became. */
export function removeKey(node: Node, place: Place, merged: Link): Node {
  const { bytes, count } = node
  const { at } = place
  const entriesEnd = leftPointer(bytes) - 2
  open(count - 1)
  if (at > 0) copyEntries(bytes, entriesStart(count), place.gap, place.entry, merged)
  readEntry(bytes, place.entry)
  const { suffix, prefix } = entry
  if (at < count - 1) {
    const next = entry.end
    readEntry(bytes, next)
    // What the next key borrowed from the removed one and the key before does not have.
    const borrowed = Math.max(0, entry.prefix - prefix)
    const own = entry.suffix
    const ownEnd = own + entry.suffixLength
    keyPart(entry.prefix - borrowed, bytes, suffix, suffix + borrowed, bytes, own, ownEnd)
    copyRest(bytes, entry.pointer, entriesEnd)
  }
  if (at > 0) copy(bytes, entriesEnd, bytes.length)
  else left(merged)
  return made(node.layer, count - 1, removeChildren(node, at, merged))
}

function removeChildren(node: Node, at: number, merged: Link): (Node | undefined)[] | undefined {
  const first = inMemory(merged)
  if (node.children === undefined && first === undefined) return undefined
  const children = node.children?.slice() ?? new Array<Node | undefined>(node.count + 1)
  children.splice(at, 2, first)
  return children
}

/** The keys before a place, of which there is at least one, and a subtree after them. */
export function headOf(node: Node, place: Place, last: Link): Node {
  const { bytes, count } = node
  const { at } = place
  open(at)
  copyEntries(bytes, entriesStart(count), place.gap, place.entry, last)
  copy(bytes, leftPointer(bytes) - 2, bytes.length)
  let children = node.children?.slice(0, at + 1)
  if (last instanceof Node) {
    children ??= new Array<Node | undefined>(at + 1)
    children[at] = last
  } else if (children) children[at] = undefined
  return made(node.layer, at, children)
}

/** The keys from a place on, of which there is at least one, and a subtree before them. */
export function tailOf(node: Node, place: Place, key: Uint8Array, first: Link): Node {
  const { bytes, count } = node
  const { at } = place
  open(count - at)
  readEntry(bytes, place.entry)
  const own = entry.suffix + (place.after - entry.prefix)
  const ownEnd = entry.suffix + entry.suffixLength
  keyPart(0, key, 0, place.after, bytes, own, ownEnd)
  copyRest(bytes, entry.pointer, leftPointer(bytes) - 2)
  left(first)
  let children = node.children?.slice(at)
  if (first instanceof Node) {
    children ??= new Array<Node | undefined>(count - at + 1)
    children[0] = first
  } else if (children) children[0] = undefined
  return made(node.layer, count - at, children)
}

/**
 * Two nodes of one layer as one, both with keys; `common` is what the last key of the first and the
 * first key of the second have in common, `middle` what comes between them, and `gap` where the last
 * pointer of the first begins.
 */
export function joinNodes(
  first: Node,
  second: Node,
  gap: number,
  common: number,
  middle: Link,
): Node {
  const { bytes } = first
  const entriesEnd = leftPointer(bytes) - 2
  open(first.count + second.count)
  copyEntries(bytes, entriesStart(first.count), gap, entriesEnd, middle)
  readEntry(second.bytes, entriesStart(second.count))
  const own = entry.suffix
  keyPart(common, second.bytes, own + common, own + entry.suffixLength)
  copyRest(second.bytes, entry.pointer, leftPointer(second.bytes) - 2)
  copy(bytes, entriesEnd, bytes.length)
  return made(first.layer, first.count + second.count, joinChildren(first, second, middle))
}

function joinChildren(first: Node, second: Node, middle: Link): (Node | undefined)[] | undefined {
  const node = inMemory(middle)
  if (first.children === undefined && second.children === undefined && node === undefined) {
    return undefined
  }
  const before = first.children?.slice(0, first.count) ?? new Array<undefined>(first.count)
  const after = second.children?.slice(1) ?? new Array<undefined>(second.count)
  return [...before, node, ...after]
}

/** Writes the digest of a CID that a blank link waited for. */
export function fillLink(node: Node, pointer: number, cid: CidBytes): void {
  node.bytes.set(cid, pointer + CID_IN_LINK)
}

/** Makes the CID of a finished node: see the constructor of Node for where it lives. */
export function setDigest(node: Node, digest: Uint8Array): void {
  const { cid } = node
  cid[0] = 1
  cid[1] = CODEC_CBOR
  cid[2] = 0x12
  cid[3] = 32
  cid.set(digest, 4)
  node.hashed = true
}
