import type { SqlValue } from '#platform/storage'

/**
 * Lists of parameters for `in (…)`. Lengths are rounded up by repeating the last item, so that a
 * query has a handful of texts, each prepared once.
 */

/** `?,?,?,?` for a list of this length, rounded up to a power of two. */
export function marks(length: number): string {
  return MARKS[stepOf(length)]!
}

/** `values (?,?),(?,?)` for this many pairs of an account and a key, rounded up to a power of two. */
export function pairMarks(length: number): string {
  return PAIR_MARKS[stepOf(length)]!
}

/** The same for pairs of two accounts. */
export function aidPairMarks(length: number): string {
  return AID_PAIR_MARKS[stepOf(length)]!
}

/** The list, lengthened to what `marks` asks for. The list must not be empty. */
export function padded(values: readonly SqlValue[]): SqlValue[] {
  const list = values.slice()
  const last = list[list.length - 1]!
  while (list.length < 1 << stepOf(values.length)) list.push(last)
  return list
}

/** Pairs, flattened and lengthened to what `pairMarks` asks for. */
export function paddedPairs(pairs: readonly (readonly [SqlValue, SqlValue])[]): SqlValue[] {
  const list: SqlValue[] = []
  for (const [first, second] of pairs) list.push(first, second)
  const last = pairs[pairs.length - 1]!
  while (list.length < 2 << stepOf(pairs.length)) list.push(last[0], last[1])
  return list
}

/** The list in pieces of at most `max`, so that no query grows without bound. */
export function pieces<T>(list: readonly T[], max = LIST_MAX): T[][] {
  const all: T[][] = []
  for (let i = 0; i < list.length; i += max) all.push(list.slice(i, i + max))
  return all
}

const LIST_MAX = 256
const STEPS = [0, 1, 2, 3, 4, 5, 6, 7, 8]
const MARKS = STEPS.map((step) =>
  Array(1 << step)
    .fill('?')
    .join(),
)
const PAIR_MARKS = STEPS.map((step) => valuesOf(step, '(cast(? as bigint),cast(? as text))'))
const AID_PAIR_MARKS = STEPS.map((step) => valuesOf(step, '(cast(? as bigint),cast(? as bigint))'))

/** The first row says what the columns are: PostgreSQL takes what nobody has spoken of for text. */
function valuesOf(step: number, first: string): string {
  return `values ${[first, ...Array((1 << step) - 1).fill('(?,?)')].join()}`
}

function stepOf(length: number): number {
  return length <= 1 ? 0 : 32 - Math.clz32(length - 1)
}
