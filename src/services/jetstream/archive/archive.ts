import {
  keepReading,
  type Log,
  type Loop,
  type Metrics,
  type Outside,
  type Subscribe,
} from '#platform/runtime'
import type { Stream } from '#platform/storage'
import { decodeFrame } from '#protocol/xrpc'
import { type Projected, project } from './project.ts'
import { storeEvent, timesOf } from './stored-event.ts'

/** The only kind of entry. A cursor past events that show nothing (`#sync`) is not kept: harmless. */
const EVENT_KIND = 1

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
  readonly #verdict: (type: string, verdict: string) => void
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
    this.#verdict = (type, verdict) => events.with(type, verdict).add()
  }

  /** Finds where the last run ended. */
  async resume(): Promise<void> {
    const { last } = this.#stream.bounds()
    for await (const batch of this.#stream.tail(Math.max(0, last - 1))) {
      const { timeUs, upstreamSeq } = timesOf(batch.at(-1)!)
      this.#lastTimeUs = timeUs
      this.#cursor = upstreamSeq
    }
  }

  readonly loop: Loop = {
    name: 'archive',
    run: (signal) =>
      keepReading({
        url: () => this.#address(),
        take: (frames) => this.#take(frames),
        subscribe: this.#subscribe,
        timers: this.#outside.timers,
        log: this.#log,
        signal,
      }),
  }

  #address(): string {
    return `${this.#relay}/xrpc/com.atproto.sync.subscribeRepos?cursor=${this.#cursor ?? 0}`
  }

  async #take(frames: readonly (Uint8Array | string)[]): Promise<void> {
    const taken: Taken[] = []
    for (const frame of frames) this.#takeOne(frame, taken)
    if (taken.length === 0) return
    const { durable } = this.#stream.append(
      taken.map(({ event, upstreamSeq }) => ({
        key: event.did,
        kind: EVENT_KIND,
        make: () => storeEvent(event, this.#nextTimeUs(), upstreamSeq),
      })),
    )
    await durable
    this.#cursor = taken.at(-1)!.upstreamSeq
  }

  #takeOne(bytes: Uint8Array | string, into: Taken[]): void {
    try {
      if (typeof bytes === 'string') throw new Error('a text frame')
      const frame = decodeFrame(bytes)
      if ('type' in frame) this.#takeEvent(frame.type, frame.body as Record<string, unknown>, into)
      else this.#onError(frame.error)
    } catch {
      this.#verdict('other', 'malformed')
    }
  }

  #takeEvent(type: string, body: Record<string, unknown>, into: Taken[]): void {
    if (type === '#info') return
    const projection = project(type, body)
    this.#verdict(type, projection.ok ? 'accepted' : projection.reason)
    if (!projection.ok || !Number.isSafeInteger(body.seq)) return
    for (const event of projection.events) into.push({ event, upstreamSeq: body.seq as number })
  }

  /** A relay that was set back numbers from its start again: so do we. */
  #onError(error: string): void {
    this.#log.warn('relay sent an error', { relay: this.#relay, error })
    if (error === 'FutureCursor') this.#cursor = 0
  }

  /** Microseconds since 1970, never the same twice and never falling. */
  #nextTimeUs(): number {
    this.#lastTimeUs = Math.max(Math.floor(this.#outside.now() * 1000), this.#lastTimeUs + 1)
    return this.#lastTimeUs
  }
}
