import type { Timers } from '#platform/runtime'

/** Lets a loop sleep until there is something to do. A wake-up while it is awake is not lost. */
export class Waker {
  readonly #timers: Timers
  #isWoken = false
  #wakeUp: (() => void) | undefined

  constructor(timers: Timers) {
    this.#timers = timers
  }

  wake(): void {
    this.#isWoken = true
    this.#wakeUp?.()
  }

  /** From here on a wake-up means: look again. */
  begin(): void {
    this.#isWoken = false
  }

  /** Resolves at once when woken since `begin`, else when woken, after `ms`, or at the end. */
  async rest(ms: number, signal: AbortSignal): Promise<void> {
    if (this.#isWoken || signal.aborted) return
    await new Promise<void>((resolve) => {
      const done = () => {
        this.#timers.clearTimeout(timer)
        signal.removeEventListener('abort', done)
        this.#wakeUp = undefined
        resolve()
      }
      const timer = this.#timers.setTimeout(done, ms)
      this.#wakeUp = done
      signal.addEventListener('abort', done, { once: true })
    })
  }
}
