import type { Timers } from '#platform/runtime'

/** One who waits, and many who may ring. A ring that nobody waits for is not heard. */
export class Bell {
  readonly #timers: Timers
  #ring: (() => void) | undefined

  constructor(timers: Timers) {
    this.#timers = timers
  }

  ring(): void {
    this.#ring?.()
  }

  /** Resolves when rung, when the signal aborts, or after `ms`. */
  wait(signal: AbortSignal, ms?: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        if (timer !== undefined) this.#timers.clearTimeout(timer)
        signal.removeEventListener('abort', done)
        this.#ring = undefined
        resolve()
      }
      const timer = ms === undefined ? undefined : this.#timers.setTimeout(done, ms)
      this.#ring = done
      signal.addEventListener('abort', done, { once: true })
      if (signal.aborted) done()
    })
  }
}
