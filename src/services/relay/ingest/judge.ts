/** Whether an event may enter the stream: who sent it, who signed it, what it follows. */
import type { PublicKey } from '#protocol/crypto'
import type { KnownIdentity } from '#protocol/identity'
import {
  parseCommitEvent,
  parseSyncEvent,
  type RefusalReason,
  verifyCommitEvent,
  verifySyncEvent,
} from '#protocol/repo'
import { isDatetime, isHandle } from '#protocol/syntax'
import type { Arrival } from './arrivals.ts'
import { atHost, type RepoState, unknownRepo, withHead, withStanding } from './repo-state.ts'
import { isStorableHost } from './stored-event.ts'

export type Reason =
  | RefusalReason
  /** There is no such identity, or it names no host or no key. */
  | 'unknown-identity'
  /** Nobody could say just now who the account is. */
  | 'identity-unavailable'
  /** The account lives elsewhere. */
  | 'wrong-host'
  /** The account is deactivated, taken down or the like: its commits are not passed on. */
  | 'inactive'
  /** Its chain broke before: the event waits for the repository's head. */
  | 'desynchronized'

export type Judgement =
  | { ok: true; state: RepoState }
  /** `broken`: what is known of the repository is not its head, which is to be fetched. */
  | { ok: false; reason: Reason; broken?: RepoState }

/** Where events come in. */
export interface Source {
  /** Origin URL of the host (or relay). */
  url: string
  /** Whether it may speak for accounts of any host. */
  trusted: boolean
}

/** Reasons after which the repository is ahead of us in a way the event did not prove. */
const BREAKING: ReadonlySet<Reason> = new Set<Reason>([
  'prev-mismatch',
  'no-prev-data',
  'missing-block',
  'invalid-tree',
  'op-mismatch',
  'inversion-failed',
  'too-big',
])

/** `#identity` and `#account` are a few fields. */
const SMALL_EVENT_BYTES_MAX = 16_384
const STATUS_LENGTH_MAX = 128

/** Judges events one at a time, synchronously. */
export class Judge {
  readonly #now: () => number
  readonly #lenient: boolean

  constructor({ now, lenient }: { now: () => number; lenient: boolean }) {
    this.#now = now
    this.#lenient = lenient
  }

  /**
   * `identity` is undefined when it could not be asked; `before` when nothing is known of the
   * repository.
   */
  judge(
    arrival: Arrival,
    identity: KnownIdentity | undefined,
    before: RepoState | undefined,
    from: Source,
  ): Judgement {
    const isSigned = arrival.type === '#commit' || arrival.type === '#sync'
    const host = identity?.host ?? (isSigned ? undefined : lastHost(before, from))
    if (host === undefined || !isStorableHost(host)) {
      return { ok: false, reason: identity ? 'unknown-identity' : 'identity-unavailable' }
    }
    if (!from.trusted && host !== from.url) return { ok: false, reason: 'wrong-host' }
    const state = before ? atHost(before, host) : unknownRepo(arrival.did, host)
    if (!isSigned) return judgeUnsigned(arrival, state)
    if (!identity?.key) return { ok: false, reason: 'unknown-identity' }
    if (state.status !== undefined) return { ok: false, reason: 'inactive' }
    return arrival.type === '#commit'
      ? this.#commit(arrival, state, identity.key)
      : this.#sync(arrival, state, identity.key)
  }

  #commit({ body }: Arrival, state: RepoState, key: PublicKey): Judgement {
    const parsed = parseCommitEvent(body)
    if (!parsed.ok) return refusal(parsed.reason, state)
    const { event } = parsed
    if (state.rev !== undefined && event.rev <= state.rev) return refusal('rev-not-newer', state)
    if (state.desynchronized) return { ok: false, reason: 'desynchronized', broken: state }
    const verdict = verifyCommitEvent(event, {
      key,
      previous: previousOf(state),
      nowMs: this.#now(),
      lenient: this.#lenient,
    })
    if (!verdict.ok) return refusal(verdict.reason, state)
    return { ok: true, state: withHead(state, verdict.head) }
  }

  #sync({ body }: Arrival, state: RepoState, key: PublicKey): Judgement {
    const parsed = parseSyncEvent(body)
    if (!parsed.ok) return { ok: false, reason: parsed.reason }
    const previous = previousOf(state)
    const verdict = verifySyncEvent(parsed.event, { key, previous, nowMs: this.#now() })
    if (!verdict.ok) return { ok: false, reason: verdict.reason }
    return { ok: true, state: withHead(state, verdict.head) }
  }
}

/** A host is believed about accounts it had until their identity went; a relay about all. */
function lastHost(before: RepoState | undefined, from: Source): string | undefined {
  return before?.host ?? (from.trusted ? from.url : undefined)
}

function refusal(reason: RefusalReason, state: RepoState): Judgement {
  return BREAKING.has(reason) ? { ok: false, reason, broken: state } : { ok: false, reason }
}

function previousOf({ rev, data }: RepoState) {
  return rev !== undefined && data !== undefined ? { rev, data } : undefined
}

/** `#identity` and `#account`: only their shape can be checked, and who says it. */
function judgeUnsigned({ type, body, frame }: Arrival, state: RepoState): Judgement {
  const { time, handle, active, status } = body
  if (frame.length > SMALL_EVENT_BYTES_MAX) return { ok: false, reason: 'too-big' }
  if (typeof time !== 'string' || !isDatetime(time)) return { ok: false, reason: 'malformed' }
  if (type === '#identity') {
    const isSound = handle === undefined || (typeof handle === 'string' && isHandle(handle))
    return isSound ? { ok: true, state } : { ok: false, reason: 'malformed' }
  }
  const hasStatus = typeof status === 'string' && status.length <= STATUS_LENGTH_MAX
  if (typeof active !== 'boolean' || !(status === undefined || hasStatus)) {
    return { ok: false, reason: 'malformed' }
  }
  return { ok: true, state: withStanding(state, body) }
}
