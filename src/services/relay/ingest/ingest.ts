import type { Log, Metrics } from '#platform/runtime'
import type { Stream } from '#platform/storage'
import type { Identities } from '#protocol/identity'
import type { Did } from '#protocol/syntax'
import { type Arrival, readArrival } from './arrivals.ts'
import type { Judge, Source } from './judge.ts'
import { type FetchedHead, type Mended, Pass } from './pass.ts'
import type { Projection } from './projection.ts'
import type { RepoState } from './repo-state.ts'
import type { RepoStates } from './repo-states.ts'
import { WaitingEvents } from './waiting-events.ts'

/** What is judged in one go: some milliseconds during which nobody else is served. */
const SLICE_EVENTS_MAX = 64
const SLICE_BYTES_MAX = 4 * 1024 * 1024

/** What became of a batch. */
export interface Taken {
  /** Events that were understood, whatever was thought of them. */
  count: number
  /** The source ended its stream with this error. */
  error: string | undefined
  /** Settles when all that was accepted is durable. When it rejects, the batch is to be read again. */
  kept: Promise<void>
}

/** What comes from nobody else. */
const OURSELVES: Source = { url: '', trusted: true }

/**
 * decode → identity → right host? → signature → rev → inversion → stream append. A slice of a batch at
 * a time: lookups are made for all of it, the judging is synchronous, the append is one, and what
 * follows from it is projected once it is durable. Sources are taken in side by side; between the
 * last lookup and the append nothing waits, so that no two of them judge by the same state.
 */
export class Ingest {
  readonly #stream: Stream
  readonly #states: RepoStates
  readonly #projection: Projection
  readonly #identities: Identities
  readonly #judge: Judge
  readonly #log: Log
  readonly #broken: (state: RepoState) => void
  readonly #count: (type: string, verdict: string) => void
  readonly #waiting = new WaitingEvents()
  /** The newest append. What has none of its own is projected after it, to stay in order. */
  #newest: Promise<void> = Promise.resolve()

  constructor(options: {
    stream: Stream
    states: RepoStates
    projection: Projection
    identities: Identities
    judge: Judge
    metrics: Metrics
    log: Log
    /** Told of a repository whose chain broke: its head is to be fetched and given to `mend`. */
    broken: (state: RepoState) => void
  }) {
    const { metrics } = options
    this.#stream = options.stream
    this.#states = options.states
    this.#projection = options.projection
    this.#identities = options.identities
    this.#judge = options.judge
    this.#log = options.log
    this.#broken = options.broken
    this.#count = eventCounter(metrics)
    metrics.gauge(
      'relay_waiting_bytes',
      'Events that wait for the head of their repository.',
      [],
      () => this.#waiting.bytes,
    )
  }

  /**
   * Takes in one batch of frames. Resolves when all of it is judged and appended; the next batch may
   * come while this one becomes durable. Rejects when it must be read again: storage refuses, or
   * the directory does not answer (DirectoryAway).
   */
  async take(frames: readonly (Uint8Array | string)[], from: Source): Promise<Taken> {
    const { arrivals, error } = this.#read(frames, from)
    let kept: Promise<void> = Promise.resolve()
    for (const slice of slicesOf(arrivals)) {
      const before = kept
      kept = (await this.#takeSlice(slice, from)).kept
      await before
    }
    return { count: arrivals.length, error, kept }
  }

  /**
   * Takes a head that was fetched for a repository whose chain broke, tells everybody by a `#sync`,
   * and goes on with the events that waited for it.
   */
  async mend(head: FetchedHead): Promise<Mended> {
    const dids = [head.did]
    await this.#identities.load(dids)
    while (this.#states.lacks(dids)) await this.#states.load(dids)
    const pass = this.#startPass(OURSELVES)
    const mended = pass.mend(head)
    await this.#finish(pass)
    return mended
  }

  #read(frames: readonly (Uint8Array | string)[], from: Source) {
    const arrivals: Arrival[] = []
    let error: string | undefined
    for (const frame of frames) {
      const read = readArrival(frame)
      if (typeof read === 'string') {
        if (read !== 'info') this.#count('other', read)
      } else if ('error' in read) error = read.error
      else arrivals.push(read)
    }
    if (error !== undefined) this.#log.warn('a host sent an error', { host: from.url, error })
    return { arrivals, error }
  }

  async #takeSlice(slice: readonly Arrival[], from: Source): Promise<{ kept: Promise<void> }> {
    await this.#projection.full()
    const dids = new Set(slice.map(({ did }) => did))
    const changed = slice.filter(({ type }) => type === '#identity')
    if (changed.length > 0) await this.#askAgain(changed, from)
    await this.#identities.load(dids)
    while (this.#states.lacks(dids)) await this.#states.load(dids)
    const pass = this.#startPass(from)
    pass.judge(slice, { mayAskAgain: true })
    const newest = slice.at(-1)!.sourceSeq
    const { aside } = pass
    const kept = this.#finish(pass, [from.url, (aside[0]?.sourceSeq ?? newest + 1) - 1])
    return aside.length === 0 ? { kept } : await this.#takeAside(aside, from, newest)
  }

  /** Events that did not fit the identity as we knew it. */
  async #takeAside(
    aside: readonly Arrival[],
    from: Source,
    newest: number,
  ): Promise<{ kept: Promise<void> }> {
    const dids = new Set(aside.map(({ did }) => did))
    const unavailable = await this.#askAgain(aside, from)
    // One domain that is down loses its events; the directory of all may not cost anybody theirs.
    const did = unavailable.find((one) => one.startsWith('did:plc:'))
    if (did) throw new DirectoryAway(`the directory cannot be asked about ${did} just now`)
    while (this.#states.lacks(dids)) await this.#states.load(dids)
    const pass = this.#startPass(from)
    pass.judge(aside, { mayAskAgain: false })
    return { kept: this.#finish(pass, [from.url, newest]) }
  }

  /** Returns those that could not be asked about. */
  async #askAgain(arrivals: readonly Arrival[], from: Source): Promise<Did[]> {
    const dids = new Set(arrivals.map(({ did }) => did))
    const results = await this.#identities.refresh(dids, from.url)
    return [...dids].filter((did) => results.get(did) === 'unavailable')
  }

  #startPass(from: Source): Pass {
    return new Pass({
      from,
      states: this.#states,
      identities: this.#identities,
      judge: this.#judge,
      waiting: this.#waiting,
      count: this.#count,
    })
  }

  /** Appends what came of a pass; settles once it is durable and handed to the projection. */
  #finish(pass: Pass, cursor?: readonly [source: string, seq: number]): Promise<void> {
    const entries = pass.entries()
    let seq = 0
    if (entries.length > 0) {
      const { durable, last } = this.#stream.append(entries)
      seq = last
      this.#newest = durable
      durable.catch(() => {
        if (this.#newest === durable) this.#newest = Promise.resolve()
      })
    }
    const states = [...pass.changed.values()]
    for (const state of states) this.#states.set(state)
    for (const state of pass.broken) this.#broken(state)
    const kept = this.#newest.then(() => this.#projection.keep({ states, cursor, seq }))
    kept.catch(() => {}) // whoever reads on learns of it
    return kept
  }
}

/** A batch must be read again, through no fault of the host it came from. */
export class DirectoryAway extends Error {}

/**
 * Cuts a batch. An `#identity` does not share a slice with what came before it in its repository: that
 * is judged by the identity as it was.
 */
function* slicesOf(arrivals: readonly Arrival[]): Generator<readonly Arrival[], void> {
  let slice: Arrival[] = []
  let bytes = 0
  for (const arrival of arrivals) {
    const isFull = slice.length === SLICE_EVENTS_MAX || bytes > SLICE_BYTES_MAX
    const changes = arrival.type === '#identity' && slice.some(({ did }) => did === arrival.did)
    if (isFull || changes) {
      yield slice
      slice = []
      bytes = 0
    }
    slice.push(arrival)
    bytes += arrival.frame.length
  }
  if (slice.length > 0) yield slice
}

function eventCounter(metrics: Metrics): (type: string, verdict: string) => void {
  const counter = metrics.counter('relay_events_total', 'Events by type and verdict.', [
    'type',
    'verdict',
  ])
  const accepted = counter.with('#commit', 'accepted')
  return (type, verdict) => {
    if (verdict === 'accepted' && type === '#commit') accepted.add()
    else counter.with(type, verdict).add()
  }
}
