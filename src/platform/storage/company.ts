/** How long a reader may take over one block before those ahead of it go on without it. */
const STALL_MS = 50

interface Companion {
  /** It has had everything up to here. */
  at: number
  /** It was waited for in vain: nobody does again. */
  isSlow: boolean
}

/**
 * Readers on their way through the same segments. Whoever is ahead waits before putting out of memory what others close
 * behind are about to read: they then cost one reading together, where each would read all of it for itself. Whoever
 * is slow is left behind.
 */
export class Company {
  readonly #companions = new Map<object, Companion>()
  readonly #waiting = new Set<() => void>()

  /** Readers that have not caught up. */
  get size(): number {
    return this.#companions.size
  }

  /** Notes how far a reader has come. */
  moved(reader: object, at: number): void {
    const companion = this.#companions.get(reader)
    if (companion) companion.at = at
    else this.#companions.set(reader, { at, isSlow: false })
    this.#wakeAll()
  }

  /** Forgets a reader that ends, or that has caught up with the live tail. */
  left(reader: object): void {
    if (this.#companions.delete(reader)) this.#wakeAll()
  }

  /** Where the last of those stands that have come to `from`, but not to `to`; undefined when there are none. */
  lastBetween(from: number, to: number): number | undefined {
    let last: number | undefined
    for (const { at, isSlow } of this.#companions.values()) {
      if (!isSlow && at >= from && at < to && (last === undefined || at < last)) last = at
    }
    return last
  }

  /** Resolves when somebody has come further, or when those who stand at `at` are found to be slow. */
  async waitFor(at: number): Promise<void> {
    if (await this.#somebodyMoves()) return
    for (const companion of this.#companions.values()) {
      if (companion.at === at) companion.isSlow = true
    }
  }

  #somebodyMoves(): Promise<boolean> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer)
        resolve(true)
      }
      const timer = setTimeout(() => {
        this.#waiting.delete(wake)
        resolve(false)
      }, STALL_MS)
      this.#waiting.add(wake)
    })
  }

  #wakeAll(): void {
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }
}
