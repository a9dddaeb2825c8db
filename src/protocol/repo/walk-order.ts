/** What the bytes of stored nodes say of the order in which a walk of their tree meets its blocks. */
import type { CidBytes } from '#protocol/data'
import { pathOf } from './keys.ts'
import {
  CID_BYTES,
  CID_IN_LINK,
  entriesStart,
  entry,
  LINK_BYTES,
  leftPointer,
  NULL,
  readEntry,
} from './node.ts'

/** The keys of a node of ours, whose form was checked when it came in. */
function countOf(bytes: Uint8Array): number {
  const low = bytes[3]! & 31
  if (low < 24) return low
  return low === 24 ? bytes[4]! : (bytes[4]! << 8) | bytes[5]!
}

/**
 * What comes right after a node in a walk: the path of the first record, or the CID (a view) of the
 * node that the first record is below. The path is empty for the node of an empty tree.
 */
export function firstBelow(node: Uint8Array): string | CidBytes {
  const left = leftPointer(node)
  if (node[left] !== NULL) return node.subarray(left + CID_IN_LINK, left + LINK_BYTES)
  const count = countOf(node)
  if (count === 0) return ''
  readEntry(node, entriesStart(count))
  return pathOf(node.subarray(entry.suffix, entry.suffix + entry.suffixLength))
}

/** Where the walk stands in one node. */
interface Frame {
  bytes: Uint8Array
  /** Entries still to come, and where the next begins. */
  left: number
  at: number
  /** The pointer of the gap to look into next; -1 when that is done. */
  pointer: number
}

/**
 * Follows blocks that should come as a walk of a tree meets them, and tells whether each is the one
 * that the tree has in that place. It compares CIDs and hashes nothing: for blocks of one's own.
 */
export class WalkOrder {
  readonly #root: CidBytes
  readonly #stack: Frame[] = []
  #isBegun = false

  constructor(root: CidBytes) {
    this.#root = root
  }

  /** Takes the block (CID, then bytes) that lies between two offsets; false if another is due. */
  take(block: Uint8Array, start: number, end: number): boolean {
    if (!this.#isBegun) {
      this.#isBegun = true
      return isSame(this.#root, 0, block, start) && this.#enter(block, start, end)
    }
    for (let frame = this.#stack.at(-1); frame !== undefined; frame = this.#stack.at(-1)) {
      const { bytes, pointer } = frame
      if (pointer >= 0) {
        frame.pointer = -1
        if (bytes[pointer] === NULL) continue
        return isSame(bytes, pointer + CID_IN_LINK, block, start) && this.#enter(block, start, end)
      }
      if (frame.left > 0) {
        readEntry(bytes, frame.at)
        frame.left--
        frame.at = entry.end
        frame.pointer = entry.pointer
        return isSame(bytes, entry.value, block, start)
      }
      this.#stack.pop()
    }
    return false
  }

  /** Whether every block of the tree was taken. */
  isAtEnd(): boolean {
    return (
      this.#isBegun &&
      this.#stack.every(({ bytes, left, pointer }) => {
        return left === 0 && (pointer < 0 || bytes[pointer] === NULL)
      })
    )
  }

  #enter(block: Uint8Array, start: number, end: number): true {
    const bytes = block.subarray(start + CID_BYTES, end)
    const count = countOf(bytes)
    this.#stack.push({
      bytes,
      left: count,
      at: entriesStart(count),
      pointer: leftPointer(bytes),
    })
    return true
  }
}

function isSame(left: Uint8Array, at: number, right: Uint8Array, rightAt: number): boolean {
  // CIDs begin alike and end differently.
  for (let i = CID_BYTES - 1; i >= 0; i--) if (left[at + i] !== right[rightAt + i]) return false
  return true
}
