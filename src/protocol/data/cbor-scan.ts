/** Containers within containers that a value may have. */
export const MAX_DEPTH = 64

/** How many items are still to come in each open array or map. Reused: a scan never waits. */
const left = new Float64Array(MAX_DEPTH + 1)

/**
 * Walks over encoded CBOR once, building nothing, and says what is wrong with it that the decoder of
 * `@atcute/cbor` would let pass: floats and nesting beyond MAX_DEPTH. What the decoder itself refuses
 * (lengths, order, tags, ends) is not looked at, only survived.
 */
export function scanCbor(bytes: Uint8Array): string | undefined {
  const end = bytes.length
  let depth = 0
  let at = 0
  left[0] = 1
  while (at < end) {
    const head = bytes[at++]!
    const kind = head >> 5
    if (kind === 7) {
      if (head < 0xf4 || head > 0xf6) return 'a float or an unknown simple value'
    } else {
      let argument = head & 31
      if (argument > 23) {
        const width = argument === 24 ? 1 : argument === 25 ? 2 : argument === 26 ? 4 : 8
        argument = 0
        for (const stop = at + width; at < stop; at++) argument = argument * 256 + (bytes[at] ?? 0)
      }
      if (kind === 6) continue
      if (kind === 2 || kind === 3) at += argument
      else if (kind > 3 && argument > 0) {
        if (++depth > MAX_DEPTH) return `more than ${MAX_DEPTH} levels`
        left[depth] = kind === 4 ? argument : argument * 2
        continue
      }
    }
    while (--left[depth]! === 0) if (--depth < 0) return undefined
  }
  return undefined
}
