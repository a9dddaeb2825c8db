import { hostFenced, type Lease, type LeaseEnd } from './lease.ts'

/** A lease that a test gives and takes away. */
export class HeldLease implements Lease {
  readonly epoch = 1
  end: LeaseEnd | undefined
  readonly lapsed: Promise<LeaseEnd>
  /** Given back by its holder. */
  isReleased = false
  /** Asked this often whether it is held. */
  asked = 0
  /** Lapses when it is asked so often; for standing still at one point of a way. */
  lapsesAt = Number.POSITIVE_INFINITY
  #isHeld = true
  #over!: (end: LeaseEnd) => void
  #whileHeld = new AbortController()
  #waiting = new Set<() => void>()

  constructor() {
    this.lapsed = new Promise((resolve) => {
      this.#over = resolve
    })
  }

  /** Whether it was taken away; asking this counts as nothing. */
  get isLapsed(): boolean {
    return !this.#isHeld
  }

  held(): boolean {
    this.asked++
    if (this.asked >= this.lapsesAt) this.#isHeld = false
    return this.#isHeld && !this.end
  }

  remainingMs(): number {
    return this.#isHeld && !this.end ? 4_000 : 0
  }

  whileHeld(): AbortSignal {
    if (!this.held()) this.#whileHeld.abort()
    return this.#whileHeld.signal
  }

  async untilHeld(signal?: AbortSignal): Promise<void> {
    while (!this.held()) {
      signal?.throwIfAborted()
      if (this.end) throw hostFenced(this.end)
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve)
        signal?.addEventListener('abort', () => resolve(), { once: true })
      })
    }
  }

  async release(): Promise<void> {
    if (this.end) return
    this.isReleased = true
    this.#finish({ reason: 'released', epoch: 1 })
  }

  /** No renewal came in time. */
  lapse(): void {
    this.#isHeld = false
    this.#whileHeld.abort()
  }

  /** The witness said that nobody else took it. */
  renew(): void {
    this.lapsesAt = Number.POSITIVE_INFINITY
    this.#isHeld = true
    this.#whileHeld = new AbortController()
    this.#wake()
  }

  /** Another host has it. */
  supersede(): void {
    this.#finish({ reason: 'superseded', epoch: 2 })
  }

  #finish(end: LeaseEnd): void {
    this.end = end
    this.#whileHeld.abort()
    this.#over(end)
    this.#wake()
  }

  #wake(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const resolve of waiting) resolve()
  }
}
