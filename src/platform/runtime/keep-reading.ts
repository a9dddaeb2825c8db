/** Reading a stream for ever: opened again, with growing pauses, whenever it ends. */
import type { Log } from './log.ts'
import type { FrameBatch, Outside, Subscribe } from './shapes.ts'

const PAUSE_MIN_MS = 250
/** A reader has few upstreams, and one that is back should be heard soon. */
const PAUSE_MAX_MS = 5_000

export interface KeepReadingOptions {
  /** Where to read from, asked at every opening: it names the cursor. */
  url(): string
  /** Takes one batch; the next is asked for when it has settled. What it throws ends the connection. */
  take(frames: FrameBatch): Promise<void>
  subscribe: Subscribe
  timers: Outside['timers']
  log: Log
  signal: AbortSignal
}

/** Resolves when the signal aborts. A batch that was taken resets the pauses. */
export async function keepReading(options: KeepReadingOptions): Promise<void> {
  const { url, take, subscribe, timers, log, signal } = options
  let pauseMs = PAUSE_MIN_MS
  while (!signal.aborted) {
    const address = url()
    try {
      for await (const frames of subscribe(address, { signal })) {
        await take(frames)
        pauseMs = PAUSE_MIN_MS
      }
    } catch (error) {
      if (!signal.aborted) log.info('stream ended', { url: address, error })
    }
    if (signal.aborted) return
    await timers.sleep(pauseMs, signal).catch(() => {})
    pauseMs = Math.min(pauseMs * 2, PAUSE_MAX_MS)
  }
}
