import type { NewEntry } from '#platform/storage'
import { equalBytes } from '#protocol/data'
import type { Identities } from '#protocol/identity'
import type { Did } from '#protocol/syntax'
import { frameHeader } from '#protocol/xrpc'
import { type Arrival, readArrival } from './arrivals.ts'
import type { Judge, Reason, Source } from './judge.ts'
import { MAX_NUMBER_BYTES, writeNumber } from './renumber.ts'
import { type RepoState, withHead } from './repo-state.ts'
import type { RepoStates } from './repo-states.ts'
import { KINDS, type Origin, originBytes, writeOrigin } from './stored-event.ts'
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
  /** At least as many bytes as `write` writes. */
  frameBytesMax: number
  /** Writes the frame and returns its end. */
  write(into: Uint8Array, at: number, seq: number): number
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
    if (!state?.desynchronized || state.status !== undefined) return 'not-needed'
    if (state.rev !== undefined && head.rev < state.rev) return 'older'
    if (state.rev === head.rev) {
      if (!state.data || !equalBytes(state.data, head.data)) return 'older'
      this.changed.set(head.did, { ...state, desynchronized: false })
    } else {
      this.changed.set(head.did, withHead(state, head))
      this.#draft(state, KINDS['#sync'], undefined, SYNC_BYTES_MAX, (into, at, seq) => {
        const frame = head.frame(seq)
        into.set(frame, at)
        return at + frame.length
      })
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
      const bytesMax = arrival.frame.length + MAX_NUMBER_BYTES
      this.#draft(state, KINDS[type], sourceSeq, bytesMax, (into, at, seq) =>
        writeArrival(into, at, arrival, seq),
      )
      if (before?.desynchronized && !state.desynchronized) this.#release(did)
      // One that was not shown was not mended either.
      else if (state.desynchronized && before?.status !== state.status) this.broken.push(state)
      return
    }
    if (judgement.broken) this.#break(judgement.broken, sourceSeq)
    const waits = judgement.reason === 'desynchronized' || judgement.reason === 'prev-mismatch'
    if (waits && !this.#waiting.add(did, arrival.frame, from)) this.#count(type, 'no-room-to-wait')
  }

  #break(state: RepoState, sourceSeq: number | undefined): void {
    const before = this.#state(state.did)
    if (before?.desynchronized && before.host === state.host) return
    const broken = { ...state, desynchronized: true }
    this.changed.set(state.did, broken)
    this.broken.push(broken)
    this.#draft(state, KINDS.broken, sourceSeq, 0, (_into, at) => at)
  }

  #draft(
    { did, host }: RepoState,
    kind: number,
    sourceSeq: number | undefined,
    frameBytesMax: number,
    write: Draft['write'],
  ): void {
    this.#drafts.push({ did, kind, host, sourceSeq, frameBytesMax, write })
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
   * What is to be appended, once. A crash after that must have the events put aside read again:
   * entries carry no higher number of the source than the one before those.
   */
  entries(): NewEntry[] {
    const sourceSeqMax = (this.aside[0]?.sourceSeq ?? Number.POSITIVE_INFINITY) - 1
    // One array for all: they are kept and dropped together, and arrays are dear to make.
    const origins = this.#drafts.map((draft) => this.#originOf(draft, sourceSeqMax))
    let size = 0
    for (const [i, { frameBytesMax }] of this.#drafts.entries()) {
      size += originBytes(origins[i]!) + frameBytesMax
    }
    const bytes = new Uint8Array(size)
    let end = 0
    return this.#drafts.map(({ did, kind, write }, i) => ({
      key: did,
      kind,
      make(seq) {
        const start = end
        end = write(bytes, writeOrigin(bytes, start, origins[i]!), seq)
        return bytes.subarray(start, end)
      },
    }))
  }

  #originOf({ host, sourceSeq }: Draft, sourceSeqMax: number): Origin {
    if (sourceSeq === undefined) return { source: '', sourceSeq: 0, host }
    return { source: this.#from.url, sourceSeq: Math.min(sourceSeq, sourceSeqMax), host }
  }
}

/** A DID of 2 kB, a commit with one, and names. */
const SYNC_BYTES_MAX = 8_192

/** The event under our number: its bytes as they came, but for those of the seq. */
function writeArrival(
  into: Uint8Array,
  at: number,
  { type, bodyBytes, seqPlace }: Arrival,
  seq: number,
): number {
  const { start, end } = seqPlace
  const header = frameHeader(type)
  into.set(header, at)
  at += header.length
  into.set(bodyBytes.subarray(0, start), at)
  at = writeNumber(into, at + start, seq)
  into.set(bodyBytes.subarray(end), at)
  return at + bodyBytes.length - end
}
