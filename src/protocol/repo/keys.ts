/** Keys of the tree: `collection/rkey` as ASCII bytes, and how high each of them stands. */
import { sha256 } from '#protocol/crypto'
import { isNsid, isRecordKey, ProtocolError } from '#protocol/syntax'

/** Longest key of a tree, in bytes (https://atproto.com/specs/repository#repo-paths). */
export const MAX_KEY_BYTES = 1024

export const SLASH = 0x2f

/** 1 for each byte a key may hold besides its one slash. */
const KEY_BYTE = new Uint8Array(256)
for (const char of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_~-:.') {
  KEY_BYTE[char.charCodeAt(0)] = 1
}

/** Whether a key may hold this byte, which is not the slash. */
export function isKeyByte(byte: number): boolean {
  return KEY_BYTE[byte] === 1
}

/** Whether `bytes[0..length)` is two non-empty parts of allowed characters with one slash between. */
export function isKey(bytes: Uint8Array, length: number): boolean {
  if (length > MAX_KEY_BYTES) return false
  let slash = 0
  for (let i = 0; i < length; i++) {
    if (KEY_BYTE[bytes[i]!] === 1) continue
    if (bytes[i] !== SLASH || slash > 0 || i === 0) return false
    slash = i
  }
  return slash > 0 && slash < length - 1
}

/** Whether this is `collection/rkey` with an NSID and a record key: stricter than `isKey`. */
export function isRepoPath(path: string): boolean {
  const slash = path.indexOf('/')
  return slash > 0 && isNsid(path.slice(0, slash)) && isRecordKey(path.slice(slash + 1))
}

/** Bytes of a path. Throws ProtocolError 'InvalidPath'. */
export function keyOf(path: string): Uint8Array {
  const bytes = new Uint8Array(path.length)
  for (let i = 0; i < path.length; i++) {
    const code = path.charCodeAt(i)
    bytes[i] = code < 128 ? code : 0
  }
  if (!isKey(bytes, bytes.length)) {
    throw new ProtocolError('InvalidPath', `not a repository path: ${path.slice(0, 100)}`)
  }
  return bytes
}

/** Path of key bytes. */
export function pathOf(key: Uint8Array): string {
  let path = ''
  for (let i = 0; i < key.length; i++) path += String.fromCharCode(key[i]!)
  return path
}

/**
 * Layer of a key: the number of leading zero pairs of bits of its SHA-256
 * (https://atproto.com/specs/repository#mst-structure). Costs one hash: ask once.
 */
export function keyHeight(key: Uint8Array): number {
  const digest = sha256(key)
  let height = 0
  for (let i = 0; i < digest.length; i++) {
    const byte = digest[i]!
    if (byte !== 0) return height + ((Math.clz32(byte) - 24) >> 1)
    height += 4
  }
  return height
}

/** Length of what two keys begin with alike. */
export function commonPrefix(left: Uint8Array, right: Uint8Array): number {
  const end = Math.min(left.length, right.length)
  let i = 0
  while (i < end && left[i] === right[i]) i++
  return i
}

/** Below zero, zero or above, as `left` sorts before, with or after `right`. */
export function compareKeys(left: Uint8Array, right: Uint8Array): number {
  const i = commonPrefix(left, right)
  if (i === left.length || i === right.length) return left.length - right.length
  return left[i]! - right[i]!
}
