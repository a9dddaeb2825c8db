/** Supervised loops: restarted with growing, jittered pauses, counted by name, drained at the end. */
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'
import type { Loop, Outside } from './shapes.ts'

const FIRST_PAUSE_MS = 200
const LONGEST_PAUSE_MS = 30_000
/** A loop that ran this long before failing starts again with the first pause. */
const HEALTHY_MS = 60_000
const DRAIN_MS = 5_000

export interface LoopDeps {
  outside: Pick<Outside, 'now' | 'random' | 'timers'>
  log: Log
  metrics: Metrics
}

export interface RunningLoops {
  /** Aborts all and waits for them, at most `drainMs` (default 5 s). Returns the names still running. */
  stop(drainMs?: number): Promise<string[]>
}

/** Starts every loop. One that returns before the stop is finished, and is not started again. */
export function superviseLoops(loops: readonly Loop[], deps: LoopDeps): RunningLoops {
  const stopping = new AbortController()
  const running = new Map<string, Promise<void>>()
  const restarts = deps.metrics.counter('loop_restarts', 'Restarts after a failure', ['loop'])
  const up = deps.metrics.gauge('loop_running', 'Whether the loop runs', ['loop'])
  for (const loop of loops) {
    if (running.has(loop.name)) throw new Error(`two loops are named ${loop.name}`)
    const gauge = up.with(loop.name)
    gauge.set(1)
    const task = supervise(loop, stopping.signal, restarts.with(loop.name), deps).finally(() => {
      gauge.set(0)
      running.delete(loop.name)
    })
    running.set(loop.name, task)
  }
  return {
    async stop(drainMs = DRAIN_MS) {
      stopping.abort(new Error('stopping'))
      const patience = new AbortController()
      const timeout = deps.outside.timers.sleep(drainMs, patience.signal).catch(() => {})
      await Promise.race([Promise.all(running.values()), timeout])
      patience.abort()
      return [...running.keys()]
    },
  }
}

async function supervise(
  loop: Loop,
  signal: AbortSignal,
  restarts: { add(): void },
  { outside, log }: LoopDeps,
): Promise<void> {
  let failures = 0
  while (!signal.aborted) {
    const startedMs = outside.now()
    try {
      await loop.run(signal)
      return
    } catch (error) {
      if (signal.aborted) return
      if (outside.now() - startedMs > HEALTHY_MS) failures = 0
      restarts.add()
      const ms = pauseMs(failures++, outside.random)
      log.warn('loop failed and will start again', { loop: loop.name, pauseMs: ms, error })
      await outside.timers.sleep(ms, signal).catch(() => {})
    }
  }
}

/** Doubles from 0.2 s to 30 s; between half and all of that, so that peers do not return together. */
export function pauseMs(failures: number, random: (byteCount: number) => Uint8Array): number {
  const full = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures, 20))
  return Math.round((full / 2) * (1 + random(1)[0]! / 255))
}
