/** An outside that does the same every time: seeded randomness, a clock that moves when told. */
import type { Fetch, Outside } from './shapes.ts'

export interface TestOutside extends Outside {
  /** Sets the clock without running timers, also backwards. */
  setNow(ms: number): void
  /** Moves the clock forward and runs what falls due, in order. */
  advance(ms: number): Promise<void>
  /** Timers waiting. */
  readonly pending: number
}

export interface TestOutsideOptions {
  seed?: number
  startMs?: number
  fetch?: Fetch
  txt?: Record<string, string[]>
}

interface Timer {
  atMs: number
  order: number
  run: () => void
}

export function testOutside(options: TestOutsideOptions = {}): TestOutside {
  let nowMs = options.startMs ?? Date.UTC(2026, 0, 1)
  let order = 0
  const timers = new Set<Timer>()
  const word = seededWords(options.seed ?? 1)
  const start = (run: () => void, ms: number): Timer => {
    const timer = { atMs: nowMs + Math.max(0, ms), order: order++, run }
    timers.add(timer)
    return timer
  }
  return {
    now: () => nowMs,
    timers: {
      sleep: (ms, signal) =>
        new Promise((resolve, reject) => {
          if (signal?.aborted) return reject(signal.reason)
          const stop = () => {
            timers.delete(timer)
            reject(signal!.reason)
          }
          const timer = start(() => {
            signal?.removeEventListener('abort', stop)
            resolve()
          }, ms)
          signal?.addEventListener('abort', stop, { once: true })
        }),
      setTimeout: start,
      clearTimeout: (handle) => void timers.delete(handle as Timer),
    },
    random(byteCount) {
      const bytes = new Uint8Array(byteCount)
      for (let i = 0; i < byteCount; i++) bytes[i] = word() & 0xff
      return bytes
    },
    fetch: options.fetch ?? (() => Promise.reject(new Error('this test outside has no network'))),
    resolveTxt: async (name) => options.txt?.[name] ?? [],
    setNow: (ms) => void (nowMs = ms),
    async advance(ms) {
      const until = nowMs + ms
      for (;;) {
        await settle()
        const next = nextDue(timers, until)
        if (!next) break
        timers.delete(next)
        nowMs = Math.max(nowMs, next.atMs)
        next.run()
      }
      nowMs = until
    },
    get pending() {
      return timers.size
    },
  }
}

function nextDue(timers: Set<Timer>, until: number): Timer | undefined {
  let next: Timer | undefined
  for (const timer of timers) {
    if (timer.atMs > until) continue
    if (!next || timer.atMs < next.atMs || (timer.atMs === next.atMs && timer.order < next.order))
      next = timer
  }
  return next
}

/** Lets promises that are ready run before the clock moves on. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** sfc32: small, fast, and good enough that two seeds never look alike. */
function seededWords(seed: number): () => number {
  let a = seed >>> 0
  let b = 0x9e3779b9
  let c = 0x243f6a88
  let d = 1
  const next = () => {
    const t = (a + b + d) | 0
    d = (d + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + t
    c |= 0
    return t >>> 0
  }
  for (let i = 0; i < 12; i++) next()
  return next
}
