/** Containers within containers that a value may have. */
export const MAX_DEPTH = 64

const TEXT = 3
const ARRAY = 4
const MAP = 5
const TAG = 6

/** How many items are still to come in each open array or map. Reused: a scan never waits. */
const left = new Float64Array(MAX_DEPTH + 1)
/** Which kind each open container is. */
const kinds = new Uint8Array(MAX_DEPTH + 1)

/**
 * Walks over encoded CBOR once, building nothing, and says what is wrong with it that the decoder of
 * `@atcute/cbor` would let pass: floats, nesting beyond MAX_DEPTH, and maps that JSON would show as a
 * link or as bytes. What the decoder itself refuses (lengths, order, tags, ends) is not looked at,
 * only survived.
 */
export function scanCbor(bytes: Uint8Array): string | undefined {
  const end = bytes.length
  let depth = 0
  let at = 0
  left[0] = 1
  kinds[0] = ARRAY
  while (at < end) {
    const head = bytes[at++]!
    const kind = head >> 5
    if (kind > TAG) {
      if (head < 0xf4 || head > 0xf6) return 'a float or an unknown simple value'
    } else {
      let argument = head & 31
      if (argument > 23) {
        const width = argument === 24 ? 1 : argument === 25 ? 2 : argument === 26 ? 4 : 8
        argument = 0
        for (const stop = at + width; at < stop; at++) argument = argument * 256 + (bytes[at] ?? 0)
      }
      if (kind === TAG) continue
      if (kind === ARRAY || kind === MAP) {
        if (depth === MAX_DEPTH) return `more than ${MAX_DEPTH} levels`
        if (argument > 0) {
          depth++
          left[depth] = kind === ARRAY ? argument : argument * 2
          kinds[depth] = kind
          continue
        }
      } else if (kind > 1) {
        if (kind === TEXT && argument < 7 && isReserved(bytes, at, argument) && isKey(depth)) {
          return 'a map that JSON would show as a link or as bytes'
        }
        at += argument
      }
    }
    while (--left[depth]! === 0) if (--depth < 0) return undefined
  }
  return undefined
}

/** A map's items come as key, value, key, value: a key is due when an even number is left. */
function isKey(depth: number): boolean {
  return kinds[depth] === MAP && left[depth]! % 2 === 0
}

const LINK = Array.from('$link', (character) => character.charCodeAt(0))
const BYTES = Array.from('$bytes', (character) => character.charCodeAt(0))

function isReserved(bytes: Uint8Array, at: number, length: number): boolean {
  const key = length === LINK.length ? LINK : BYTES
  if (length !== key.length) return false
  // From the end: other keys that begin with a dollar sign, `$type`, end differently.
  for (let i = length - 1; i >= 0; i--) if (bytes[at + i] !== key[i]) return false
  return true
}
