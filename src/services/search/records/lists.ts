import type { SqlValue } from '#platform/storage'

/** Longest list of one statement; what works on more goes in pieces. */
export const LIST_MAX = 256

/**
 * A list of values for `in (…)`, as marks and parameters. Lengths are rounded up to a power of two
 * by repeating the last value, so that a query has a handful of texts, each prepared once. 1 to
 * LIST_MAX values.
 */
export function listOf(values: readonly SqlValue[]): { marks: string; values: SqlValue[] } {
  const length = rounded(values.length)
  return { marks: Array(length).fill('?').join(), values: filled(values, length) }
}

/** As `listOf`, for `(a, b) in (…)`. */
export function pairsOf(pairs: readonly (readonly [SqlValue, SqlValue])[]): {
  marks: string
  values: SqlValue[]
} {
  const length = rounded(pairs.length)
  return {
    marks: `values ${Array(length).fill('(?,?)').join()}`,
    values: filled(pairs, length).flat() as SqlValue[],
  }
}

/** The list in pieces of at most LIST_MAX. */
export function* piecesOf<T>(list: readonly T[]): Generator<T[]> {
  for (let from = 0; from < list.length; from += LIST_MAX) yield list.slice(from, from + LIST_MAX)
}

function rounded(length: number): number {
  return length <= 1 ? 1 : 1 << (32 - Math.clz32(length - 1))
}

function filled<T>(values: readonly T[], length: number): T[] {
  const last = values[values.length - 1]!
  return [...values, ...Array<T>(length - values.length).fill(last)]
}
