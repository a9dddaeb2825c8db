/** A stream of numbers from 0 to 1: the same seed, the same choices. */
export interface Chances {
  (): number
  /** A whole number from 0 to `count - 1`. */
  upTo(count: number): number
  /** One of several, or undefined of none. */
  pick<T>(from: readonly T[]): T | undefined
}

export function chances(seed: number): Chances {
  let state = seed >>> 0
  const next = () => {
    // The higher bits of a linear generator are the better ones.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return (state >>> 4) / 2 ** 28
  }
  const upTo = (count: number) => Math.floor(next() * count)
  return Object.assign(next, {
    upTo,
    pick: <T>(from: readonly T[]) => from[upTo(from.length)],
  })
}

/** The seed of this run, from FALAJ_SEED or the clock; printed, so that a failure can be repeated. */
export function printedSeed(name: string): number {
  const seed = Number(process.env.FALAJ_SEED ?? Date.now() % 1_000_000)
  process.stderr.write(`${name}: FALAJ_SEED=${seed}\n`)
  return seed
}

/**
 * When a long test should stop, by FALAJ_LONG_MINUTES: `share` is its part of the time of all. Without
 * it, never.
 */
export function longDeadlineMs(share: number): number {
  const minutes = process.env.FALAJ_LONG_MINUTES
  return minutes === undefined
    ? Number.POSITIVE_INFINITY
    : Date.now() + Number(minutes) * share * 60_000
}
