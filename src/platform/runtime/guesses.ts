/** Makes who guesses wait: so many wrong answers of one key, then none for the rest of a minute. */
import { createLru } from './lru.ts'

export interface Guesses {
  /** Whole seconds until the key may try again; 0 when it may now. */
  secondsToWait(key: string): number
  /** Counts a wrong answer. */
  wrong(key: string): void
}

const WRONG_MAX = 20
const WINDOW_MS = 60_000
const KEYS_MAX = 10_000

/** Counts by key, such as an address; those that guess least lately are forgotten first. */
export function createGuesses({ now }: { now: () => number }): Guesses {
  const keys = createLru<string, { count: number; untilMs: number }>({ maxEntries: KEYS_MAX })
  const current = (key: string) => {
    const known = keys.get(key)
    return known && known.untilMs > now() ? known : { count: 0, untilMs: now() + WINDOW_MS }
  }
  return {
    secondsToWait(key) {
      const { count, untilMs } = current(key)
      return count < WRONG_MAX ? 0 : Math.ceil((untilMs - now()) / 1000)
    },
    wrong(key) {
      const { count, untilMs } = current(key)
      keys.set(key, { count: count + 1, untilMs })
    },
  }
}
