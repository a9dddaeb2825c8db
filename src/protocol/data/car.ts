import { CidLinkWrapper } from '@atcute/cbor'
import { ProtocolError } from '#protocol/syntax'
import { decodeCbor, encodeCbor } from './cbor.ts'
import { CID_LENGTH, type CidBytes, isCidAt } from './cid.ts'
import { readVarint, scanVarint, varintLength, writeVarint } from './varint.ts'

export interface CarBlock {
  cid: CidBytes
  bytes: Uint8Array
}

/** The longest header `readCar` takes: a hundred roots, where repositories have one. */
export const MAX_HEADER_BYTES = 4096

/** The header of a CAR file of version 1, its length before it. */
export function carHeader(roots: readonly CidBytes[]): Uint8Array {
  const header = encodeCbor({ roots: roots.map((cid) => new CidLinkWrapper(cid)), version: 1 })
  const piece = new Uint8Array(varintLength(header.length) + header.length)
  piece.set(header, writeVarint(piece, 0, header.length))
  return piece
}

/** One block of a CAR file, its length before it. */
export function carBlock(cid: CidBytes, bytes: Uint8Array): Uint8Array {
  const length = cid.length + bytes.length
  const piece = new Uint8Array(varintLength(length) + length)
  writeBlock(piece, 0, cid, bytes)
  return piece
}

/** How many bytes `carBlock` makes of a block with so much content. */
export function carBlockLength(contentBytes: number): number {
  const length = CID_LENGTH + contentBytes
  return varintLength(length) + length
}

/** A whole CAR file of version 1 in one array; the blocks in the order given, none left out. */
export function encodeCar(
  roots: readonly CidBytes[],
  blocks: Iterable<readonly [cid: CidBytes, bytes: Uint8Array]>,
): Uint8Array {
  const list = Array.isArray(blocks) ? (blocks as [CidBytes, Uint8Array][]) : [...blocks]
  const header = carHeader(roots)
  let size = header.length
  for (const [, bytes] of list) size += carBlockLength(bytes.length)
  const car = new Uint8Array(size)
  car.set(header)
  let at = header.length
  for (const [cid, bytes] of list) at = writeBlock(car, at, cid, bytes)
  return car
}

function writeBlock(into: Uint8Array, at: number, cid: CidBytes, bytes: Uint8Array): number {
  at = writeVarint(into, at, cid.length + bytes.length)
  into.set(cid, at)
  into.set(bytes, at + cid.length)
  return at + cid.length + bytes.length
}

/**
 * Roots and blocks of a CAR file that is whole in memory; the blocks are views of it, in its order.
 * Their hashes are not checked. Throws 'InvalidCar' when it is not exactly one CAR of version 1 with
 * CIDs as atproto allows them.
 */
export function readCar(car: Uint8Array): { roots: CidBytes[]; blocks: CarBlock[] } {
  const headerEnd = pieceEnd(car, 0, car.length, MAX_HEADER_BYTES)
  if (headerEnd > car.length) throw invalidCar('it ends within the header')
  const roots = readHeader(car, 0, headerEnd)
  const blocks: CarBlock[] = []
  let at = headerEnd
  while (at < car.length) {
    const end = pieceEnd(car, at, car.length, Number.MAX_SAFE_INTEGER)
    if (end > car.length) throw invalidCar('it ends within a block')
    blocks.push(readBlock(car, at, end))
    at = end
  }
  return { roots, blocks }
}

/**
 * Where the piece (length, then content) that begins at `at` ends; beyond `end` when it is not whole
 * yet, and just beyond when not even its length is.
 */
export function pieceEnd(bytes: Uint8Array, at: number, end: number, maxBytes: number): number {
  const width = scanVarint(bytes, at, end)
  if (width === -1) throw invalidCar('a malformed length')
  if (width === 0) return end + 1
  const length = readVarint(bytes, at, width)
  if (length > maxBytes) throw invalidCar(`a piece of ${length} bytes, at most ${maxBytes} allowed`)
  return at + width + length
}

/** The roots of a header known to be whole, from its length to its end. */
export function readHeader(bytes: Uint8Array, at: number, end: number): CidBytes[] {
  const header = decodeHeader(bytes.subarray(at + scanVarint(bytes, at, end), end))
  const keys = typeof header === 'object' && header !== null ? Object.keys(header) : []
  const { roots, version } = header as { roots?: unknown; version?: unknown }
  if (keys.length !== 2 || version !== 1 || !Array.isArray(roots)) {
    throw invalidCar('its header is not one of version 1')
  }
  return roots.map((root) => {
    if (root instanceof CidLinkWrapper) return root.bytes
    throw invalidCar('a root that is not a link')
  })
}

function decodeHeader(bytes: Uint8Array): unknown {
  try {
    return decodeCbor(bytes) ?? {}
  } catch (cause) {
    throw new ProtocolError('InvalidCar', 'not a CAR file: its header is not DAG-CBOR', { cause })
  }
}

/** The block known to be whole, from its length to its end. */
export function readBlock(bytes: Uint8Array, at: number, end: number): CarBlock {
  const start = at + scanVarint(bytes, at, end)
  const content = start + CID_LENGTH
  if (content > end || !isCidAt(bytes, start)) throw invalidCar('a block without a CID of atproto')
  return { cid: bytes.subarray(start, content), bytes: bytes.subarray(content, end) }
}

export function invalidCar(what: string): ProtocolError {
  return new ProtocolError('InvalidCar', `not a CAR file: ${what}`)
}
