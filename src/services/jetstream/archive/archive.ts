import type { FrameBatch, Log, Loop, Metrics, Outside, Subscribe } from '#platform/runtime'
import type { Stream } from '#platform/storage'
import { decodeFrame } from '#protocol/xrpc'
import { type Projected, project } from './project.ts'
import { StoredEvent, storeEvent } from './stored-event.ts'

const PAUSE_MIN_MS = 250
/** There is one relay: to ask again costs little, and whoever reads here waits for it. */
const PAUSE_MAX_MS = 5_000
/** Frames projected in one go: some milliseconds during which nobody else is served. */
const SLICE_MAX = 64
/** The only kind of entry. A cursor past events that show nothing (`#sync`) is not kept: harmless. */
const EVENT_KIND = 1
/** Keys of the stream have so many bytes. */
const DID_LENGTH_MAX = 255

interface Taken {
  event: Projected
  upstreamSeq: number
}

/**
 * Reads the relay and keeps its events as JSON. The entries carry the upstream's seq, so that the
 * cursor and the events are one append: after a crash it goes on exactly where the stream ends.
 */
export class Archive {
  readonly #stream: Stream
  readonly #relay: string
  readonly #subscribe: Subscribe
  readonly #outside: Outside
  readonly #log: Log
  readonly #count: (type: string, verdict: string) => void
  /** Everything up to this seq of the relay is durable here. */
  #cursor: number | undefined
  #lastTimeUs = 0

  constructor(options: {
    stream: Stream
    relay: string
    subscribe: Subscribe
    outside: Outside
    log: Log
    metrics: Metrics
  }) {
    this.#stream = options.stream
    this.#relay = options.relay
    this.#subscribe = options.subscribe
    this.#outside = options.outside
    this.#log = options.log
    const events = options.metrics.counter(
      'jetstream_events_total',
      'Events by type and verdict.',
      ['type', 'verdict'],
    )
    this.#count = (type, verdict) => events.with(type, verdict).add()
  }

  /** Finds where the last run ended. */
  async resume(): Promise<void> {
    const { last } = this.#stream.bounds()
    for await (const batch of this.#stream.tail(Math.max(0, last - 1))) {
      const event = new StoredEvent(batch.at(-1)!)
      this.#lastTimeUs = event.timeUs
      this.#cursor = event.upstreamSeq
    }
  }

  readonly loop: Loop = {
    name: 'archive',
    run: async (signal) => {
      let pauseMs = PAUSE_MIN_MS
      while (!signal.aborted) {
        const before = this.#cursor
        try {
          await this.#follow(signal)
        } catch (error) {
          if (!signal.aborted) this.#log.info('relay went away', { relay: this.#relay, error })
        }
        if (signal.aborted) return
        pauseMs = this.#cursor === before ? Math.min(pauseMs * 2, PAUSE_MAX_MS) : PAUSE_MIN_MS
        await this.#outside.timers.sleep(pauseMs, signal).catch(() => {})
      }
    },
  }

  /** One batch is projected while the one before becomes durable. */
  async #follow(signal: AbortSignal): Promise<void> {
    const cursor = this.#cursor ?? 0
    const address = `${this.#relay}/xrpc/com.atproto.sync.subscribeRepos?cursor=${cursor}`
    let kept: Promise<void> = Promise.resolve()
    try {
      for await (const frames of this.#subscribe(address, { signal })) {
        for (let at = 0; at < frames.length; at += SLICE_MAX) {
          const before = kept
          kept = this.#take(frames.slice(at, at + SLICE_MAX), before)
          await before
        }
      }
    } finally {
      // Also when the stream broke: read on before this is durable, it would be kept twice.
      await kept
    }
  }

  /** Settles when what was taken is durable, and the cursor behind it. */
  #take(frames: FrameBatch, before: Promise<void>): Promise<void> {
    const taken: Taken[] = []
    for (const frame of frames) this.#takeOne(frame, taken)
    if (taken.length === 0) return before
    const { durable } = this.#stream.append(
      taken.map(({ event, upstreamSeq }) => ({
        key: event.did,
        kind: EVENT_KIND,
        make: () => storeEvent(event, this.#nextTimeUs(), upstreamSeq),
      })),
    )
    const kept = durable.then(() => {
      this.#cursor = taken.at(-1)!.upstreamSeq
    })
    kept.catch(() => {}) // whoever reads on learns of it
    return kept
  }

  #takeOne(bytes: Uint8Array | string, into: Taken[]): void {
    try {
      if (typeof bytes === 'string') throw new Error('a text frame')
      const frame = decodeFrame(bytes)
      if ('type' in frame) this.#takeEvent(frame.type, frame.body as Record<string, unknown>, into)
      else this.#onError(frame.error)
    } catch {
      this.#count('other', 'malformed')
    }
  }

  #takeEvent(type: string, body: Record<string, unknown>, into: Taken[]): void {
    if (type === '#info') {
      this.#log.warn('the relay no longer has all that came since', { info: body.name })
      this.#count('#info', String(body.name).slice(0, 64))
      return
    }
    const { events, refused } = project(type, body)
    const label = refused.includes('unknown-type') ? 'other' : type
    for (const reason of refused) this.#count(label, reason)
    if (!Number.isSafeInteger(body.seq)) return
    for (const event of events) {
      const fits = event.did.length <= DID_LENGTH_MAX
      this.#count(label, fits ? 'accepted' : 'malformed')
      if (fits) into.push({ event, upstreamSeq: body.seq as number })
    }
  }

  /** A relay that was set back numbers from its start again: so do we. */
  #onError(error: string): void {
    this.#log.warn('relay sent an error', { relay: this.#relay, error })
    if (error === 'FutureCursor') this.#cursor = 0
  }

  /** Microseconds since 1970, never the same twice and never falling, whatever the clock does. */
  #nextTimeUs(): number {
    this.#lastTimeUs = Math.max(Math.floor(this.#outside.now() * 1000), this.#lastTimeUs + 1)
    return this.#lastTimeUs
  }
}
