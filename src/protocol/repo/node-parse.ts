/** Strict reading of nodes that come from somewhere else. */
import { type CidBytes, CODEC_CBOR } from '#protocol/data'
import { ProtocolError } from '#protocol/syntax'
import { isKeyByte, keyHeight, MAX_KEY_BYTES, SLASH } from './keys.ts'
import {
  CID_IN_LINK,
  firstKey,
  isWithin,
  type KeyRange,
  LINK_BYTES,
  MAX_NODE_BYTES,
  MAX_NODE_KEYS,
  Node,
  NULL,
} from './node.ts'

/** What the tree around a node asks of it. */
export interface Surroundings {
  /** Undefined for a root, whose layer is its keys'. */
  layer?: number
  /** Where every key of the node must be. */
  range?: KeyRange
  /** See `NodeSource`. */
  leveled?: boolean
}

/** The key being read; the part it shares with the one before is still there. */
const scratch = new Uint8Array(MAX_KEY_BYTES + 1)
/** Where its slash is; 0 if there is none yet, as it is never at the begin. */
let slash = 0

/**
 * The node of a block. Throws ProtocolError 'InvalidTree' unless the bytes are the one canonical
 * encoding of a node that may stand in such surroundings: prefixes exact, keys well-formed, in order
 * and of the height of the layer, no node without keys but the empty root and steps between layers.
 */
export function parseNode(bytes: Uint8Array, cid: CidBytes, around: Surroundings): Node {
  if (bytes.length > MAX_NODE_BYTES) throw invalid('a node larger than allowed')
  if (bytes[0] !== 0xa2 || !isName(bytes, 1, 0x65)) throw invalid('not a node')
  const count = readHead(bytes, 3, 0x80)
  if (count > MAX_NODE_KEYS) throw invalid('a node with more keys than allowed')
  let at = headEnd
  let layer = around.layer
  let length = 0
  slash = 0
  for (let i = 0; i < count; i++) {
    length = readKey(bytes, at, length)
    if (layer === undefined || !around.leveled) {
      const height = keyHeight(keyRead(length))
      layer ??= height
      if (height !== layer) throw invalid('a key on a layer that is not its own')
    }
    at = readValues(bytes, headEnd, layer)
  }
  checkLeft(bytes, at, count, around.layer, layer ?? 0)
  const node = new Node(bytes, layer ?? 0, count, undefined, cid)
  if (count > 0 && around.range && !isWithin(around.range, firstKey(node), keyRead(length))) {
    throw invalid('a key outside the range of its node')
  }
  return node
}

function keyRead(length: number): Uint8Array {
  return scratch.subarray(0, length)
}

/** Where the head last read ends. */
let headEnd = 0

/** A head in its shortest form of a length or number below 65536. */
function readHead(bytes: Uint8Array, at: number, kind: number): number {
  const low = bytes[at]! ^ kind
  if (low < 24) {
    headEnd = at + 1
    return low
  }
  headEnd = at + (low === 24 ? 2 : 3)
  const value =
    low === 24 ? bytes[at + 1]! : low === 25 ? (bytes[at + 1]! << 8) | bytes[at + 2]! : -1
  if (headEnd > bytes.length || value < (low === 24 ? 24 : 256)) {
    throw invalid('a length not in its shortest form, or too large')
  }
  return value
}

function isName(bytes: Uint8Array, at: number, letter: number): boolean {
  return bytes[at] === 0x61 && bytes[at + 1] === letter
}

/** Reads the key part of an entry into `scratch`, of which `length` bytes are the key before. */
function readKey(bytes: Uint8Array, at: number, length: number): number {
  if (bytes[at] !== 0xa4 || !isName(bytes, at + 1, 0x6b)) throw invalid('not an entry of a node')
  const own = readHead(bytes, at + 3, 0x40)
  const start = headEnd
  const stop = start + own
  if (stop > bytes.length || !isName(bytes, stop, 0x70)) throw invalid('a key cut short')
  const prefix = readHead(bytes, stop + 2, 0)
  if (prefix > length || prefix + own > MAX_KEY_BYTES) throw invalid('a key too long')
  // Both at once: in order after the key before, and sharing exactly `prefix` bytes with it.
  if (own === 0 || (prefix < length && bytes[start]! <= scratch[prefix]!)) {
    throw invalid('keys out of order, or a prefix that is not what they share')
  }
  // Of what it shares with the key before, only the slash may be missing.
  if (slash >= prefix) slash = 0
  for (let i = 0; i < own; i++) {
    const byte = bytes[start + i]!
    scratch[prefix + i] = byte
    if (isKeyByte(byte)) continue
    if (byte !== SLASH || slash > 0 || prefix + i === 0) throw invalid('a key that is not a path')
    slash = prefix + i
  }
  if (slash === 0 || slash === prefix + own - 1) throw invalid('a key that is not a path')
  return prefix + own
}

/** Checks subtree and value of an entry and says where it ends. */
function readValues(bytes: Uint8Array, at: number, layer: number): number {
  if (!isName(bytes, at, 0x74)) throw invalid('not an entry of a node')
  at += 2
  if (bytes[at] === NULL) at++
  else {
    if (layer === 0) throw invalid('a subtree below the lowest layer')
    at = linkEnd(bytes, at)
  }
  if (!isName(bytes, at, 0x76)) throw invalid('not an entry of a node')
  return linkEnd(bytes, at + 2)
}

function linkEnd(bytes: Uint8Array, at: number): number {
  const isLink =
    at + LINK_BYTES <= bytes.length &&
    bytes[at] === 0xd8 &&
    bytes[at + 1] === 0x2a &&
    bytes[at + 2] === 0x58 &&
    bytes[at + 3] === 37 &&
    bytes[at + 4] === 0 &&
    bytes[at + CID_IN_LINK] === 1 &&
    bytes[at + CID_IN_LINK + 1] === CODEC_CBOR &&
    bytes[at + CID_IN_LINK + 2] === 0x12 &&
    bytes[at + CID_IN_LINK + 3] === 32
  if (!isLink) throw invalid('not a link to a block of the tree')
  return at + LINK_BYTES
}

function checkLeft(
  bytes: Uint8Array,
  at: number,
  count: number,
  expected: number | undefined,
  layer: number,
): void {
  if (!isName(bytes, at, 0x6c)) throw invalid('not a node')
  const hasLeft = bytes[at + 2] !== NULL
  const end = hasLeft ? linkEnd(bytes, at + 2) : at + 3
  if (end !== bytes.length) throw invalid('bytes after a node')
  if (hasLeft && layer === 0) throw invalid('a subtree below the lowest layer')
  if (count > 0) return
  // Without keys: only the root, if it leads nowhere; others, if they lead somewhere.
  if (hasLeft === (expected === undefined)) throw invalid('a node without keys in a wrong place')
}

/** The error of a tree that breaks a rule. */
export function invalid(what: string): ProtocolError {
  return new ProtocolError('InvalidTree', `invalid tree: ${what}`)
}
