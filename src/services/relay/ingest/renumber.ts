/** Giving an event another seq without encoding it again. */
const UNSIGNED = 0
const TEXT = 3
const ARRAY = 4
const MAP = 5
const TAG = 6

/** The key `seq` as it is encoded. */
const SEQ_KEY = [0x63, 0x73, 0x65, 0x71]

/** Where in an encoded body its seq is. */
export interface SeqPlace {
  start: number
  end: number
}

/**
 * Finds the seq in an event's body, which must have been decoded before: nothing is checked here.
 * Undefined when it is no map with a `seq` that is an unsigned number.
 */
export function findSeq(body: Uint8Array): SeqPlace | undefined {
  if (body[0]! >> 5 !== MAP) return undefined
  let at = headEnd(body, 0)
  for (let left = argument; left > 0; left--) {
    const isSeq =
      body[at] === SEQ_KEY[0] &&
      body[at + 1] === SEQ_KEY[1] &&
      body[at + 2] === SEQ_KEY[2] &&
      body[at + 3] === SEQ_KEY[3]
    at = itemEnd(body, at)
    if (isSeq) {
      return body[at]! >> 5 === UNSIGNED ? { start: at, end: headEnd(body, at) } : undefined
    }
    at = itemEnd(body, at)
  }
  return undefined
}

/** The argument of the head last read. */
let argument = 0

function headEnd(bytes: Uint8Array, at: number): number {
  const info = bytes[at]! & 31
  if (info < 24) {
    argument = info
    return at + 1
  }
  const end = at + 1 + (1 << (info - 24))
  argument = 0
  for (let i = at + 1; i < end; i++) argument = argument * 256 + bytes[i]!
  return end
}

/** Depth is bounded: the decoder before us takes 64 levels. */
function itemEnd(bytes: Uint8Array, at: number): number {
  const kind = bytes[at]! >> 5
  let end = headEnd(bytes, at)
  const length = argument
  switch (kind) {
    case 2:
    case TEXT:
      return end + length
    case ARRAY:
    case MAP:
      for (let left = kind === MAP ? length * 2 : length; left > 0; left--) {
        end = itemEnd(bytes, end)
      }
      return end
    case TAG:
      return itemEnd(bytes, end)
    default:
      return end
  }
}

/** The most bytes a number takes. */
export const MAX_NUMBER_BYTES = 9

/** Writes an unsigned number as CBOR does; returns where it ends. */
export function writeNumber(into: Uint8Array, at: number, value: number): number {
  const width = widthOf(value)
  if (width === 0) {
    into[at] = value
    return at + 1
  }
  into[at] = width === 1 ? 24 : width === 2 ? 25 : width === 4 ? 26 : 27
  for (let i = at + width; i > at; i--) {
    into[i] = value % 256
    value = Math.floor(value / 256)
  }
  return at + 1 + width
}

function widthOf(value: number): number {
  if (value < 24) return 0
  if (value < 0x100) return 1
  if (value < 0x10000) return 2
  return value < 0x100000000 ? 4 : 8
}
