/** More want a turn than may wait for one. */
export class TooManyWaiting extends Error {
  override readonly name = 'TooManyWaiting'
}

/** A number of tasks at a time; the others wait in the order they came, up to a bound. */
export class Turns {
  readonly #atOnce: number
  readonly #waitingMax: number
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(atOnce: number, waitingMax: number) {
    this.#atOnce = atOnce
    this.#waitingMax = waitingMax
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** Errors: TooManyWaiting, and what the task throws. */
  async take<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running < this.#atOnce) this.#running++
    else {
      if (this.#waiting.length >= this.#waitingMax)
        throw new TooManyWaiting('Too many pictures are being made')
      // Whoever ends hands its place over: nobody who comes meanwhile takes it.
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    try {
      return await task()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#running--
      else next()
    }
  }
}
