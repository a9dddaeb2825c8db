/** How much a move has brought, how fast, and how long the rest may take. */
import type { Shown } from './move-rows.ts'

/** The rate is that of the last seconds: what a person sees should be what happens now. */
const WINDOW_MS = 8_000
const SAMPLE_MS = 500

interface Sample {
  atMs: number
  bytes: number
}

/** Counts what passes during one run of the job, on top of what earlier runs brought. */
export class Pace {
  readonly #now: () => number
  readonly #samples: Sample[] = []
  #bytes: number
  #blobsFrom: { done: number; atMs: number } | undefined

  constructor(now: () => number, bytesBefore = 0) {
    this.#now = now
    this.#bytes = bytesBefore
  }

  add(byteCount: number): void {
    this.#bytes += byteCount
    const nowMs = this.#now()
    const last = this.#samples.at(-1)
    if (last && nowMs - last.atMs < SAMPLE_MS) last.bytes += byteCount
    else this.#samples.push({ atMs: nowMs, bytes: byteCount })
    while (this.#samples[0]!.atMs < nowMs - WINDOW_MS) this.#samples.shift()
  }

  /** Bytes so far, and while any come, how many a second. */
  seen(): Pick<Shown, 'bytes' | 'bytesPerSecond'> {
    const nowMs = this.#now()
    const recent = this.#samples.filter(({ atMs }) => atMs >= nowMs - WINDOW_MS)
    const first = recent[0]
    const spentMs = first ? nowMs - first.atMs : 0
    const bytes = recent.reduce((sum, one) => sum + one.bytes, 0)
    return {
      bytes: this.#bytes,
      bytesPerSecond: spentMs >= SAMPLE_MS ? Math.round((bytes * 1000) / spentMs) : undefined,
    }
  }

  /** By what this run needed for those it brought: what was there before says nothing. */
  secondsLeft({ done, total }: { done: number; total: number }): number | undefined {
    const nowMs = this.#now()
    this.#blobsFrom ??= { done, atMs: nowMs }
    const brought = done - this.#blobsFrom.done
    if (brought <= 0) return undefined
    const spentMs = nowMs - this.#blobsFrom.atMs
    return Math.ceil((spentMs / brought / 1000) * (total - done))
  }
}
