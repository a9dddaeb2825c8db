import type { NewEntry } from '#platform/storage'
import { equalBytes } from '#protocol/data'
import type { Did } from '#protocol/syntax'
import { frameHeader } from '#protocol/xrpc'
import { type Arrival, readArrival } from './arrivals.ts'
import type { Identities } from './identities.ts'
import type { Judge, Reason, Source } from './judge.ts'
import { numberLength, writeNumber } from './renumber.ts'
import { type RepoState, withHead } from './repo-state.ts'
import type { RepoStates } from './repo-states.ts'
import { KINDS, type Origin, writeOrigin } from './stored-event.ts'
import type { WaitingEvents } from './waiting-events.ts'

/** Refusals that an identity we know wrongly could be the cause of. */
const MAYBE_STALE: ReadonlySet<Reason> = new Set<Reason>([
  'wrong-host',
  'bad-signature',
  'unknown-identity',
  'identity-unavailable',
])

/** The head of a repository, as its host gave it and its key signed it. */
export interface FetchedHead {
  did: Did
  rev: string
  commit: Uint8Array
  data: Uint8Array
  /** The `#sync` frame that says so. */
  frame(seq: number): Uint8Array
}

/** How a fetched head compares with what is known by now. */
export type Mended = 'mended' | 'not-needed' | 'older'

/** Something to append: an event that came, a head we fetched, or the mark of a broken chain. */
interface Draft {
  did: Did
  kind: number
  host: string
  /** Undefined when it did not come from this pass's source just now. */
  sourceSeq: number | undefined
  store(origin: Origin, seq: number): Uint8Array
}

/**
 * Judging some events, one after the other and without a wait, each by the state the one before left.
 * Nothing outside changes until what came of it is appended.
 */
export class Pass {
  readonly changed = new Map<Did, RepoState>()
  /** Repositories whose chain broke. */
  readonly broken: RepoState[] = []
  /** Events whose identity is to be asked for again, and all that follow them in their repositories. */
  readonly aside: Arrival[] = []
  readonly #drafts: Draft[] = []
  readonly #asideDids = new Set<Did>()
  readonly #from: Source
  readonly #states: RepoStates
  readonly #identities: Identities
  readonly #judge: Judge
  readonly #waiting: WaitingEvents
  readonly #count: (type: string, verdict: string) => void

  constructor(options: {
    from: Source
    states: RepoStates
    identities: Identities
    judge: Judge
    waiting: WaitingEvents
    count: (type: string, verdict: string) => void
  }) {
    this.#from = options.from
    this.#states = options.states
    this.#identities = options.identities
    this.#judge = options.judge
    this.#waiting = options.waiting
    this.#count = options.count
  }

  /** Judges what came from the source; with `mayAskAgain`, doubtful events are put aside. */
  judge(arrivals: readonly Arrival[], { mayAskAgain }: { mayAskAgain: boolean }): void {
    for (const arrival of arrivals) {
      if (this.#asideDids.has(arrival.did)) this.aside.push(arrival)
      else this.#judgeOne(arrival, this.#from, { mayAskAgain, isNew: true })
    }
  }

  /** Takes a fetched head for the state of a repository whose chain broke, then what waited for it. */
  mend(head: FetchedHead): Mended {
    const state = this.#state(head.did)
    if (!state?.desynchronized) return 'not-needed'
    if (state.rev !== undefined && head.rev < state.rev) return 'older'
    if (state.rev === head.rev) {
      if (!state.data || !equalBytes(state.data, head.data)) return 'older'
      this.changed.set(head.did, { ...state, desynchronized: false })
    } else {
      this.changed.set(head.did, withHead(state, head))
      this.#draft(state, KINDS['#sync'], undefined, (origin, seq) =>
        storeFrame(origin, head.frame(seq)),
      )
    }
    this.#release(head.did)
    return 'mended'
  }

  #state(did: Did): RepoState | undefined {
    return this.changed.get(did) ?? this.#states.peek(did)
  }

  #judgeOne(
    arrival: Arrival,
    from: Source,
    { mayAskAgain, isNew }: { mayAskAgain: boolean; isNew: boolean },
  ): void {
    const { did, type } = arrival
    const before = this.#state(did)
    const judgement = this.#judge.judge(arrival, this.#identities.peek(did), before, from)
    if (!judgement.ok && mayAskAgain && MAYBE_STALE.has(judgement.reason)) {
      this.#asideDids.add(did)
      this.aside.push(arrival)
      return
    }
    this.#count(type, judgement.ok ? 'accepted' : judgement.reason)
    const sourceSeq = isNew ? arrival.sourceSeq : undefined
    if (judgement.ok) {
      const { state } = judgement
      this.changed.set(did, state)
      this.#draft(state, KINDS[type], sourceSeq, (origin, seq) =>
        storeArrival(origin, arrival, seq),
      )
      if (before?.desynchronized && !state.desynchronized) this.#release(did)
      return
    }
    if (judgement.broken) this.#break(judgement.broken, sourceSeq)
    const waits = judgement.reason === 'desynchronized' || judgement.reason === 'prev-mismatch'
    if (waits && !this.#waiting.add(did, arrival.frame, from)) this.#count(type, 'no-room-to-wait')
  }

  #break(state: RepoState, sourceSeq: number | undefined): void {
    if (state.desynchronized) return
    const broken = { ...state, desynchronized: true }
    this.changed.set(state.did, broken)
    this.broken.push(broken)
    this.#draft(state, KINDS.broken, sourceSeq, (origin) => storeFrame(origin, NO_FRAME))
  }

  #draft(
    { did, host }: RepoState,
    kind: number,
    sourceSeq: number | undefined,
    store: Draft['store'],
  ): void {
    this.#drafts.push({ did, kind, host, sourceSeq, store })
  }

  /** Judges what waited for a repository's head. */
  #release(did: Did): void {
    const { events, overflown } = this.#waiting.take(did)
    for (const { frame, from } of events) {
      const arrival = readArrival(frame)
      if (typeof arrival !== 'string' && !('error' in arrival)) {
        this.#judgeOne(arrival, from, { mayAskAgain: false, isNew: false })
      }
    }
    const state = this.#state(did)
    if (overflown && state) this.#break(state, undefined)
  }

  /**
   * What is to be appended. A crash after that must have the events put aside read again: entries
   * carry no higher number of the source than the one before those.
   */
  entries(): NewEntry[] {
    const sourceSeqMax = (this.aside[0]?.sourceSeq ?? Number.POSITIVE_INFINITY) - 1
    return this.#drafts.map(({ did, kind, host, sourceSeq, store }) => {
      const origin =
        sourceSeq === undefined
          ? { source: '', sourceSeq: 0, host }
          : { source: this.#from.url, sourceSeq: Math.min(sourceSeq, sourceSeqMax), host }
      return { key: did, kind, make: (seq) => store(origin, seq) }
    })
  }
}

const NO_FRAME = new Uint8Array(0)

function storeFrame(origin: Origin, frame: Uint8Array): Uint8Array {
  const { stored, start } = writeOrigin(origin, frame.length)
  stored.set(frame, start)
  return stored
}

/** The event under our number: its bytes as they came, but for those of the seq. */
function storeArrival(
  origin: Origin,
  { type, bodyBytes, seqPlace }: Arrival,
  seq: number,
): Uint8Array {
  const header = frameHeader(type)
  const seqLength = numberLength(seq)
  const cut = seqPlace.end - seqPlace.start
  const length = header.length + bodyBytes.length - cut + seqLength
  const { stored, start } = writeOrigin(origin, length)
  stored.set(header, start)
  const bodyAt = start + header.length
  stored.set(bodyBytes.subarray(0, seqPlace.start), bodyAt)
  writeNumber(stored, bodyAt + seqPlace.start, seq)
  stored.set(bodyBytes.subarray(seqPlace.end), bodyAt + seqPlace.start + seqLength)
  return stored
}
