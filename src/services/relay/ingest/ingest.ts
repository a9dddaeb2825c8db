import type { Log, Metrics } from '#platform/runtime'
import type { Stream } from '#platform/storage'
import { encodeCbor } from '#protocol/data'
import type { Did } from '#protocol/syntax'
import { decodeFrame, frameHeader, joinFrame } from '#protocol/xrpc'
import type { Identities } from './identities.ts'
import { type Arrival, didOf, type Judge, type Judgement, type Source } from './judge.ts'
import type { RepoState, RepoStates } from './repo-states.ts'
import { KINDS, storeEvent } from './stored-event.ts'

interface Item extends Arrival {
  hostSeq: number
}

/** Reasons for which an identity that changed meanwhile could be the cause. */
const MAYBE_STALE: ReadonlySet<string> = new Set([
  'wrong-host',
  'bad-signature',
  'unknown-identity',
])

/**
 * decode → identity → right host? → signature → rev → inversion → stream append. One batch at a
 * time from each host: lookups are made for the whole batch, the judging is synchronous, the append
 * is one, and Sql state follows the durable append.
 */
export class Ingest {
  readonly #stream: Stream
  readonly #states: RepoStates
  readonly #identities: Identities
  readonly #judge: Judge
  readonly #log: Log
  readonly #desynchronized: (state: RepoState) => void
  readonly #verdicts: (type: string, verdict: string) => void

  constructor(options: {
    stream: Stream
    states: RepoStates
    identities: Identities
    judge: Judge
    metrics: Metrics
    log: Log
    /** Told of a repository whose chain broke. */
    desynchronized: (state: RepoState) => void
  }) {
    this.#stream = options.stream
    this.#states = options.states
    this.#identities = options.identities
    this.#judge = options.judge
    this.#log = options.log
    this.#desynchronized = options.desynchronized
    const events = options.metrics.counter('relay_events_total', 'Events by type and verdict.', [
      'type',
      'verdict',
    ])
    this.#verdicts = (type, verdict) => events.with(type, verdict).add()
  }

  /**
   * Takes in one batch of frames. Resolves to the newest host seq in it, once everything accepted
   * is durable and the state saved; rejects when storage fails, and the batch is to be read again.
   */
  async take(frames: readonly (Uint8Array | string)[], from: Source): Promise<number> {
    const items = this.#decode(frames)
    if (items.length === 0) return 0
    const dids = items.map((item) => item.did)
    await this.#states.load(dids)
    for (const item of items) if (item.type === '#identity') this.#identities.forget(item.did)
    await this.#identities.load(dids)
    const changed = new Map<Did, RepoState>()
    const accepted: Item[] = []
    for (const item of items) {
      const judged = this.#judged(item, from)
      const judgement = judged instanceof Promise ? await judged : judged
      this.#verdicts(item.type, judgement.ok ? 'accepted' : judgement.reason)
      if (judgement.ok) {
        this.#states.set(judgement.state)
        changed.set(item.did, judgement.state)
        accepted.push(item)
      } else if (judgement.resync) this.#markBroken(item.did, changed)
    }
    const newest = items.at(-1)!.hostSeq
    await this.#keep(accepted, changed, from, newest)
    return newest
  }

  #decode(frames: readonly (Uint8Array | string)[]): Item[] {
    const items: Item[] = []
    for (const frame of frames) {
      const item = this.#decodeOne(frame)
      if (item) items.push(item)
    }
    return items
  }

  #decodeOne(bytes: Uint8Array | string): Item | undefined {
    try {
      if (typeof bytes === 'string') throw new Error('a text frame')
      const frame = decodeFrame(bytes)
      if (!('type' in frame)) {
        this.#log.warn('host sent an error', { error: frame.error, reason: frame.message })
        return undefined
      }
      const body = frame.body as Record<string, unknown>
      if (frame.type === '#info') return undefined
      const did = didOf(frame.type, body)
      const hostSeq = body.seq
      if (!(frame.type in KINDS) || !did || !Number.isSafeInteger(hostSeq)) {
        this.#verdicts('other', frame.type in KINDS ? 'malformed' : 'unknown-type')
        return undefined
      }
      return { type: frame.type, did, body, hostSeq: hostSeq as number }
    } catch {
      this.#verdicts('other', 'malformed')
      return undefined
    }
  }

  /** Awaits only when an identity may have changed behind our back. */
  #judged(item: Item, from: Source): Judgement | Promise<Judgement> {
    const judgement = this.#judge.judge(item, this.#states.peek(item.did), from)
    if (judgement.ok || !MAYBE_STALE.has(judgement.reason)) return judgement
    return this.#identities
      .refresh(item.did)
      .then((asked) =>
        asked ? this.#judge.judge(item, this.#states.peek(item.did), from) : judgement,
      )
  }

  #markBroken(did: Did, changed: Map<Did, RepoState>): void {
    const state = this.#states.peek(did)
    if (!state || state.desynchronized) return
    const broken = { ...state, desynchronized: true }
    this.#states.set(broken)
    changed.set(did, broken)
    this.#desynchronized(broken)
  }

  async #keep(
    accepted: readonly Item[],
    changed: ReadonlyMap<Did, RepoState>,
    from: Source,
    newest: number,
  ): Promise<void> {
    try {
      let last = 0
      if (accepted.length > 0) {
        const appended = this.#stream.append(accepted.map((item) => entryOf(item, from.host)))
        last = appended.last
        await appended.durable
      }
      await this.#states.save(changed.values(), [[from.host, newest]], last)
    } catch (error) {
      // What memory says is now ahead of the disk.
      this.#states.reset()
      throw error
    }
  }

  /** Appends an event of our own making: the state of a repository that was mended. */
  async announce(state: RepoState, frame: (seq: number) => Uint8Array): Promise<void> {
    const origin = { host: state.host, hostSeq: 0 }
    const appended = this.#stream.append([
      { key: state.did, kind: KINDS['#sync']!, make: (seq) => storeEvent(origin, frame(seq)) },
    ])
    await appended.durable
    this.#states.set(state)
    await this.#states.save([state], [], appended.last)
  }
}

const headers = new Map(Object.keys(KINDS).map((type) => [type, frameHeader(type)]))

function entryOf({ type, did, body, hostSeq }: Item, host: string) {
  return {
    key: did,
    kind: KINDS[type]!,
    make(seq: number) {
      body.seq = seq
      const frame = joinFrame(headers.get(type)!, encodeCbor(body))
      return storeEvent({ host, hostSeq }, frame)
    },
  }
}
