/** Following another directory: its export page by page, then its stream, for ever. */
import type { FrameBatch, Log, Metrics, Outside, Subscribe } from '#platform/runtime'
import { parseSequencedPlcEntry } from '#protocol/identity'
import { formatDatetime } from '#protocol/syntax'
import { HELD_REASONS, type Held } from './held.ts'
import type { ReplicaLog } from './replica-log.ts'
import type { Tail } from './tail.ts'

/** Lines of a page: the most any directory gives. */
const PAGE = 1_000
/** A line is at most 32 KiB and a bit; nearly all are below 1 KiB. */
const PAGE_BYTES = 40 * 1024 * 1024
const PAGE_MS = 60_000
/** A message of the stream is one operation. */
const FRAME_BYTES = 64 * 1024

/** What the follower is doing. `reset`: the upstream is not the one that was followed. */
export type FollowerState = 'starting' | 'catching up' | 'following' | 'away' | 'reset'

export interface FollowerDeps {
  replica: ReplicaLog
  held: Held
  tail: Tail
  outside: Pick<Outside, 'now' | 'fetch' | 'timers'>
  subscribe: Subscribe
  log: Log
  metrics: Metrics
}

export interface FollowerOptions {
  /** Origin of the directory. */
  upstream: string
  /** Its stream, without a cursor. */
  stream: string
}

/** The upstream's log does not hold what was read from it before. */
class UpstreamReset extends Error {
  override readonly name = 'UpstreamReset'
}

export class Follower {
  readonly #options: FollowerOptions
  readonly #deps: FollowerDeps
  readonly #verdicts: (verdict: string, count: number) => void
  readonly #missing: { add(count: number): void }
  #state: FollowerState = 'starting'
  #problem: string | undefined
  #newestMs: number | undefined
  /** Who waits for something to come in. */
  readonly #waiting = new Set<() => void>()

  constructor(options: FollowerOptions, deps: FollowerDeps) {
    this.#options = options
    this.#deps = deps
    const { metrics } = deps
    const verdicts = metrics.counter('plc_replica_operations', 'Operations judged', ['verdict'])
    for (const reason of HELD_REASONS) verdicts.with(reason).add(0)
    this.#verdicts = (verdict, count) => verdicts.with(verdict).add(count)
    this.#missing = metrics.counter('plc_replica_missing', 'Seqs the upstream left out', [])
    metrics.gauge('plc_replica_cursor', 'Seq of the upstream up to which all is here', [], () => {
      return deps.replica.cursor.seq
    })
    metrics.gauge('plc_replica_held', 'Operations held', [], () => deps.held.count)
  }

  /** How the replica stands, for its status page. */
  status() {
    const { replica, held } = this.#deps
    return {
      of: this.#options.upstream,
      state: this.#state,
      seq: replica.cursor.seq,
      held: held.count,
      ...(this.#newestMs !== undefined && { newest: formatDatetime(this.#newestMs) }),
      ...(this.#problem !== undefined && { problem: this.#problem }),
    }
  }

  /** Runs until the signal aborts; throws when the upstream fails, to be started again. */
  async run(signal: AbortSignal): Promise<void> {
    const { timers } = this.#deps.outside
    try {
      while (!signal.aborted) {
        await this.#assertSame(signal)
        await this.#catchUp(signal)
        await this.#stream(signal)
        // A stream that ends at once, over and over, is not asked for without a pause.
        await timers.sleep(PAUSE_MS, signal).catch(() => {})
      }
    } catch (error) {
      if (signal.aborted) return
      this.#state = error instanceof UpstreamReset ? 'reset' : 'away'
      this.#problem = error instanceof Error ? error.message : String(error)
      throw error
    }
  }

  /** Resolves when something came in, or after the time. */
  news(ms: number): Promise<void> {
    const { timers } = this.#deps.outside
    return new Promise((resolve) => {
      const done = () => {
        this.#waiting.delete(done)
        timers.clearTimeout(timer)
        resolve()
      }
      const timer = timers.setTimeout(done, ms)
      this.#waiting.add(done)
    })
  }

  /**
   * Makes sure that the upstream has at our place what it had there: one that was set back, or is
   * another one, would leave a log nobody ever had.
   */
  async #assertSame(signal: AbortSignal): Promise<void> {
    const { cursor } = this.#deps.replica
    if (cursor.seq === 0) return
    const [line] = await this.#page(cursor.seq - 1, 1, signal)
    const entry = line === undefined ? undefined : parseSequencedPlcEntry(line)
    // Directories have taken operations out again: then the next one is simply a later one.
    if (entry && (entry.seq > cursor.seq || entry.cid === cursor.cid)) return
    const now = entry ? `has another operation at ${cursor.seq}` : `ends before ${cursor.seq}`
    throw new UpstreamReset(
      `${this.#options.upstream} was set back or is another directory: it ${now}, which was read before. Nothing is taken from it; to follow it anew, start with another --data`,
    )
  }

  /** Page after page; the next one is fetched while one is verified. */
  async #catchUp(signal: AbortSignal): Promise<void> {
    this.#state = 'catching up'
    let next = this.#page(this.#deps.replica.cursor.seq, PAGE, signal)
    for (;;) {
      const lines = await next
      this.#problem = undefined
      const last = lines.at(-1)
      const isFull = lines.length >= PAGE && last !== undefined
      if (isFull) {
        next = this.#page(parseSequencedPlcEntry(last).seq, PAGE, signal)
        next.catch(() => {}) // told when it is awaited
      }
      await this.#take(lines, signal)
      if (!isFull || signal.aborted) return
    }
  }

  async #page(after: number, count: number, signal: AbortSignal): Promise<string[]> {
    const url = new URL('/export', this.#options.upstream)
    url.search = String(new URLSearchParams({ after: String(after), count: String(count) }))
    const bounds = { maxResponseBytes: PAGE_BYTES, timeoutMs: PAGE_MS }
    const response = await this.#deps.outside.fetch(url.href, { ...bounds, signal })
    const text = await response.text()
    if (response.status !== 200) throw new Error(`${url.host} answered ${response.status}`)
    return text.split('\n').filter((line) => line !== '')
  }

  async #stream(signal: AbortSignal): Promise<void> {
    const { replica, subscribe } = this.#deps
    const url = new URL(this.#options.stream)
    url.searchParams.set('cursor', String(replica.cursor.seq))
    this.#state = 'following'
    for await (const frames of subscribe(url.href, { signal, maxFrameBytes: FRAME_BYTES }))
      await this.#take(textsOf(frames), signal)
  }

  async #take(lines: readonly string[], signal: AbortSignal): Promise<void> {
    const { replica, tail, outside, log } = this.#deps
    const breathe = async () => {
      await outside.timers.sleep(0, signal).catch(() => {})
      return !signal.aborted
    }
    const taken = await replica.take(lines, breathe)
    this.#verdicts('accepted', taken.accepted)
    for (const reason of taken.held) this.#verdicts(reason, 1)
    if (taken.held.length > 0)
      log.warn('operations of the upstream do not verify', { held: taken.held.length })
    if (taken.missing > 0) this.#missing.add(taken.missing)
    if (taken.newestMs > 0) this.#newestMs = taken.newestMs
    tail.announce(replica.cursor.seq)
    for (const wake of [...this.#waiting]) wake()
  }
}

/** Between the end of a stream and asking again. */
const PAUSE_MS = 250

function textsOf(frames: FrameBatch): string[] {
  return frames.map((frame) =>
    typeof frame === 'string' ? frame : new TextDecoder().decode(frame),
  )
}
