/**
 * Many edits at once. Where `tree-edit.ts` follows one key and splices, this goes once through the
 * part of the tree that changes, from the top, and makes each node of the outcome out of pieces of
 * nodes before and the edits that belong to it; where one edit is left, that is spliced. Both give
 * the same tree, as a content has only one.
 */
import type { CidBytes } from '#protocol/data'
import type { BlockSource } from './block-map.ts'
import { compareKeys } from './keys.ts'
import {
  CID_BYTES,
  entriesStart,
  entry,
  find,
  type Link,
  leftPointer,
  linkAt,
  Node,
  readEntry,
  seek,
} from './node.ts'
import { type ChangedGap, leaflessNode, nodeOf, singleNode, withChildren } from './node-edit.ts'
import { invalid } from './node-parse.ts'
import { childAt, isEmpty, lift, putBelow, removeBelow, withoutEmptyTop } from './tree-edit.ts'

/** A key to set, or to delete where `value` is null. */
export interface Edit {
  key: Uint8Array
  height: number
  value: CidBytes | null
}

/** A subtree or a part of it. */
interface Piece {
  link: Node | CidBytes
  /** The gap it hangs in, to load it from; not needed for a Node. */
  parent?: Node
  gap: number
  pointer: number
  /** Only what comes after this key, and only what comes before that, is meant. */
  after?: Uint8Array
  before?: Uint8Array
  /** A key known to come after all of it, and before the piece that follows. */
  limit?: Uint8Array
}

/** The root after some edits, in order of key, each key once. Deleting what is not there does nothing. */
export function applyEdits(source: BlockSource, root: Node, edits: readonly Edit[]): Node {
  let top = root.layer
  for (const { height, value } of edits) if (value !== null && height > top) top = height
  const pieces = isEmpty(root) ? [] : [{ link: lift(root, top), gap: 0, pointer: 0 }]
  const wanted = edits.filter(({ height }) => height <= top)
  return withoutEmptyTop(source, rebuild(source, top, pieces, wanted) as Node | null)
}

/** What a layer comes to out of pieces of its nodes, in order, and edits at or below it. */
function rebuild(source: BlockSource, layer: number, pieces: Piece[], edits: Edit[]): Link {
  const [first] = pieces
  if (first === undefined && edits.length < 2) return fromEdit(layer, edits[0])
  if (pieces.length === 1 && first!.after === undefined && first!.before === undefined) {
    if (edits.length === 0) return first!.link
    const node = load(source, first!)
    if (edits.length === 1) return applyOne(source, node, edits[0]!)
    if (edits.every(({ height }) => height < layer)) return withEditsBelow(source, node, edits)
  }
  const draft = new Draft(source, layer, edits)
  for (const piece of pieces) draft.addPiece(piece)
  return draft.finish()
}

function load(source: BlockSource, piece: Piece): Node {
  const { link, parent, gap, pointer } = piece
  return link instanceof Node ? link : childAt(source, parent!, gap, pointer)!
}

function fromEdit(layer: number, edit: Edit | undefined): Node | null {
  if (edit === undefined || edit.value === null) return null
  return lift(singleNode(edit.height, edit.key, edit.value, null, null), layer)
}

function applyOne(source: BlockSource, node: Node, edit: Edit): Node | null {
  const { key, height, value } = edit
  if (value === null) return removeBelow(source, node, key)
  return putBelow(source, node, key, height, value)
}

/** A node none of whose own keys change: what the edits make of its subtrees takes their place. */
function withEditsBelow(source: BlockSource, node: Node, edits: Edit[]): Node | null {
  const changed: ChangedGap[] = []
  for (let i = 0; i < edits.length; ) {
    if (find(node, edits[i]!.key)) throw invalid('a key on a layer that is not its own')
    const { at: gap, gap: pointer } = seek
    const start = i
    do i++
    while (i < edits.length && !find(node, edits[i]!.key) && seek.at === gap)
    const link = linkAt(node, gap, pointer)
    const pieces = link === null ? [] : [{ link, parent: node, gap, pointer }]
    const to = rebuild(source, node.layer - 1, pieces, edits.slice(start, i))
    if (to !== link) changed.push({ gap, pointer, to })
  }
  if (node.count === 0 && changed[0]?.to === null) return null
  return changed.length === 0 ? node : withChildren(node, changed)
}

/** A node in the making: finished keys, and what has gathered in the gap after them. */
class Draft {
  readonly #source: BlockSource
  readonly #layer: number
  readonly #edits: readonly Edit[]
  #nextEdit = 0
  readonly #keys: Uint8Array[] = []
  readonly #values: CidBytes[] = []
  readonly #gaps: Link[] = []
  #pieces: Piece[] = []
  #lowerEdits: Edit[] = []

  constructor(source: BlockSource, layer: number, edits: readonly Edit[]) {
    this.#source = source
    this.#layer = layer
    this.#edits = edits
  }

  addPiece(piece: Piece): void {
    const { after, before, limit } = piece
    const node = load(this.#source, piece)
    const { bytes, count } = node
    let at = entriesStart(count)
    let pointer = leftPointer(bytes)
    let low: Uint8Array | undefined
    for (let gap = 0; gap <= count; gap++) {
      const key = gap < count ? nextKey(bytes, at, low) : undefined
      const { pointer: nextPointer, value, end } = entry
      const isPast = after !== undefined && key !== undefined && compareKeys(key, after) <= 0
      if (!isPast) {
        const cutAfter = low === undefined || isBelow(low, after) ? after : undefined
        const cutBefore = key === undefined || isBelow(before, key) ? before : undefined
        this.#addGap(node, gap, pointer, cutAfter, cutBefore, gap === count ? limit : undefined)
        if (key === undefined || (before !== undefined && compareKeys(key, before) >= 0)) break
        this.#addKey(key, bytes.subarray(value, value + CID_BYTES))
      }
      low = key
      at = end
      pointer = nextPointer
    }
    if (limit !== undefined) this.#applyBelow(limit)
  }

  #addGap(
    parent: Node,
    gap: number,
    pointer: number,
    after: Uint8Array | undefined,
    before: Uint8Array | undefined,
    limit: Uint8Array | undefined,
  ): void {
    const link = linkAt(parent, gap, pointer)
    if (link !== null) this.#pieces.push({ link, parent, gap, pointer, after, before, limit })
  }

  /** Takes over a key of a node before, unless an edit says otherwise. */
  #addKey(key: Uint8Array, value: CidBytes): void {
    this.#applyBelow(key)
    const edit = this.#edits[this.#nextEdit]
    if (edit === undefined || compareKeys(edit.key, key) !== 0) {
      this.#emit(key, value)
      return
    }
    if (edit.height !== this.#layer) throw invalid('a key on a layer that is not its own')
    this.#nextEdit++
    if (edit.value !== null) this.#emit(key, edit.value)
    else {
      const last = this.#pieces.at(-1)
      if (last !== undefined) last.limit = key
    }
  }

  /** Applies the edits of keys before `limit`, or all that are left. */
  #applyBelow(limit: Uint8Array | undefined): void {
    for (;;) {
      const edit = this.#edits[this.#nextEdit]
      if (edit === undefined) return
      if (limit !== undefined && compareKeys(edit.key, limit) >= 0) return
      this.#nextEdit++
      if (edit.height < this.#layer) this.#lowerEdits.push(edit)
      else if (edit.value !== null) this.#insert(edit.key, edit.value)
    }
  }

  /** A new key of this layer divides the last piece of its gap, unless that is known to end before. */
  #insert(key: Uint8Array, value: CidBytes): void {
    const last = this.#pieces.at(-1)
    if (last === undefined || (last.limit !== undefined && compareKeys(last.limit, key) <= 0)) {
      this.#emit(key, value)
      return
    }
    this.#pieces[this.#pieces.length - 1] = { ...last, before: key, limit: undefined }
    this.#emit(key, value)
    this.#pieces.push({ ...last, after: key })
  }

  #emit(key: Uint8Array, value: CidBytes): void {
    this.#closeGap()
    this.#keys.push(key)
    this.#values.push(value)
  }

  #closeGap(): void {
    this.#gaps.push(rebuild(this.#source, this.#layer - 1, this.#pieces, this.#lowerEdits))
    this.#pieces = []
    this.#lowerEdits = []
  }

  finish(): Node | null {
    this.#applyBelow(undefined)
    this.#closeGap()
    if (this.#keys.length > 0) return nodeOf(this.#layer, this.#keys, this.#values, this.#gaps)
    const only = this.#gaps[0]!
    return only === null ? null : leaflessNode(this.#layer, only)
  }
}

/** The key of the entry at an offset, given the one before; leaves the entry in `entry`. */
function nextKey(bytes: Uint8Array, at: number, low: Uint8Array | undefined): Uint8Array {
  readEntry(bytes, at)
  const { suffix, suffixLength, prefix } = entry
  const key = new Uint8Array(prefix + suffixLength)
  for (let i = 0; i < prefix; i++) key[i] = low![i]!
  for (let i = 0; i < suffixLength; i++) key[prefix + i] = bytes[suffix + i]!
  return key
}

/** Whether `left` is a key, and before `right` if that is one. */
function isBelow(left: Uint8Array | undefined, right: Uint8Array | undefined): boolean {
  return left !== undefined && right !== undefined && compareKeys(left, right) < 0
}
